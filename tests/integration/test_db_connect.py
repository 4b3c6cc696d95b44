"""Connecting: what a user can act on is one line with a hint and never a password."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from servers import with_database

from registry.db import connect as seam
from registry.db.connect import connect, connect_to
from registry.errors import DatabaseUnavailable, MigrationsBehind, UsageError

NOBODY_LISTENS = "postgresql://someone:s3cret@127.0.0.1:1/registry"


@pytest.fixture
def named(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)
    return database_url


def test_a_session_speaks_utc_and_utf8_and_does_not_wait_for_ever(named: str) -> None:
    with connect() as conn:
        for name, value in seam.SESSION.items():
            found = conn.execute("SELECT current_setting(%s)", (name,)).fetchone()
            assert found == (value,)
        assert conn.autocommit
        assert conn.info.parameter_status("application_name") == "optout-registry"


def test_the_url_may_name_the_application_itself(database_url: str) -> None:
    with connect_to(f"{database_url}&application_name=mine") as conn:
        assert conn.info.parameter_status("application_name") == "mine"


def test_an_unmigrated_database_is_behind(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", empty_database_url)
    with pytest.raises(MigrationsBehind) as caught, connect():
        pass
    assert caught.value.exit_code == 3
    assert "registry init" in caught.value.hint
    with connect(migrate_check=False) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_is_down_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", NOBODY_LISTENS)
    with pytest.raises(DatabaseUnavailable) as caught, connect():
        pass
    assert caught.value.exit_code == 3
    assert "127.0.0.1:1/registry" in caught.value.message
    assert "refused" in caught.value.message
    assert "s3cret" not in caught.value.message + caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://someone:s3cret@127.0.0.1:5432/registry?nonsense=1",
        "mysql://someone:s3cret@127.0.0.1/registry",
        "postgresql://someone:s3c%ret@127.0.0.1/registry",
        "s3cret",
        "postgresql://someone:s3cret@127.0.0.1:port/registry",
    ],
)
def test_what_is_no_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises((UsageError, DatabaseUnavailable)) as caught, connect_to(url):
        pass
    assert "s3c" not in caught.value.message + caught.value.hint
    assert "\n" not in caught.value.message


def test_a_missing_database_is_told_from_a_missing_server(database_url: str) -> None:
    with (
        pytest.raises(DatabaseUnavailable, match=r"no_such_name.* does not exist") as caught,
        connect_to(with_database(database_url, "no_such_name")),
    ):
        pass
    assert "createdb" in caught.value.hint


def test_a_missing_table_asks_for_init(database_url: str) -> None:
    with pytest.raises(MigrationsBehind), connect_to(database_url) as conn:
        conn.execute("SELECT * FROM no_such_table")


def test_our_own_mistakes_are_not_dressed_up(database_url: str) -> None:
    with pytest.raises(psycopg.errors.UndefinedColumn), connect_to(database_url) as conn:
        conn.execute("SELECT no_such_column FROM claim")


def run_all(url: str, statements: tuple[str, ...]) -> None:
    with connect_to(url) as conn:
        for statement in statements:
            conn.execute(statement)


def fails_after(url: str, *statements: str) -> DatabaseUnavailable:
    """Run statements in one session and return the error that the last of them ends in."""
    with pytest.raises(DatabaseUnavailable) as caught:
        run_all(url, statements)
    assert "\n" not in caught.value.message
    return caught.value


def test_a_session_that_is_ended_is_one_line(database_url: str) -> None:
    error = fails_after(database_url, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert "does not answer: terminating connection" in error.message


def test_a_statement_that_is_cancelled_is_one_line(database_url: str) -> None:
    error = fails_after(database_url, "SET statement_timeout = '20ms'", "SELECT pg_sleep(5)")
    assert "reported an error: canceling statement" in error.message


def test_a_lock_held_too_long_is_one_line(database_url: str) -> None:
    with connect_to(database_url) as holder, holder.transaction():
        holder.execute("LOCK TABLE claim")
        error = fails_after(database_url, "SET lock_timeout = '50ms'", "SELECT count(*) FROM claim")
    assert "has held a lock" in error.message


@pytest.fixture
def guest_url(database_url: str) -> Iterator[str]:
    """URL of the same database for an account that may do nothing there."""
    with connect_to(database_url) as conn:
        conn.execute("CREATE ROLE guest LOGIN")
    yield database_url.replace("postgres@", "guest@")
    with connect_to(database_url) as conn:
        conn.execute("DROP ROLE guest")


def test_an_account_without_rights_is_one_line(guest_url: str) -> None:
    error = fails_after(guest_url, "SELECT count(*) FROM claim")
    assert "refuses: permission denied" in error.message


def test_a_server_that_takes_no_more_sessions_is_one_line(
    guest_url: str, conn: psycopg.Connection
) -> None:
    conn.execute(f"ALTER DATABASE {conn.info.dbname} CONNECTION LIMIT 0")
    assert "too many connections" in fails_after(guest_url, "SELECT 1").message


def test_an_old_server_is_refused() -> None:
    with pytest.raises(DatabaseUnavailable, match="PostgreSQL 14; 15 or newer"):
        seam.refuse_unsupported_server(14_0012, "UTF8")
    seam.refuse_unsupported_server(15_0000, "UTF8")


def test_an_encoding_that_cannot_hold_any_text_is_refused() -> None:
    with pytest.raises(DatabaseUnavailable, match="LATIN1; UTF8"):
        seam.refuse_unsupported_server(18_0000, "LATIN1")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://u:p@db.example:6000/art", "the database db.example:6000/art"),
        ("postgresql://u:p@db.example/art", "the database db.example:5432/art"),
        ("host=/run/pg dbname=art user=u", "the database art (socket in /run/pg)"),
        ("postgresql:///art", "the database art (socket in the default folder)"),
    ],
)
def test_a_database_is_named_by_host_port_and_name(url: str, words: str) -> None:
    assert seam.where(seam.parse(url)) == words


def test_queries_are_not_compiled(conn: psycopg.Connection) -> None:
    assert conn.execute("SHOW jit").fetchone() == ("off",)
