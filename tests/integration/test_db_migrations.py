"""Migrations: their names form a chain, and they make the schema this version works with."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from registry.db import migrate, schema_version
from registry.db.connect import connect_to
from registry.errors import MigrationsBehind


def versions() -> list[Path]:
    return sorted((schema_version.folder() / "versions").glob("[0-9]*"))


def test_every_migration_is_a_pair_of_files_with_a_numbered_name() -> None:
    by_name: dict[str, set[str]] = {}
    for file in versions():
        by_name.setdefault(file.stem, set()).add(file.suffix)
    assert all(suffixes == {".py", ".sql"} for suffixes in by_name.values()), by_name
    assert sorted(by_name) == schema_version.names()
    assert [int(name[:4]) for name in schema_version.names()] == list(range(1, len(by_name) + 1))


def test_each_migration_follows_the_one_before() -> None:
    previous = "None"
    for name in schema_version.names():
        text = (schema_version.folder() / "versions" / f"{name}.py").read_text()
        assert re.findall(r"^revision = (.*)$", text, re.M) == [f'"{name}"']
        assert re.findall(r"^down_revision = (.*)$", text, re.M) == [previous]
        previous = f'"{name}"'


def test_migrating_applies_all_once(empty_database_url: str) -> None:
    assert migrate.migrate(empty_database_url) == schema_version.names()
    assert migrate.migrate(empty_database_url) == []
    with connect_to(empty_database_url) as conn:
        assert schema_version.current(conn) == schema_version.head()
        schema_version.check(conn)


def test_two_processes_may_migrate_at_once(empty_database_url: str) -> None:
    code = "import sys; from registry.db import migrate; print(*migrate.migrate(sys.argv[1]))"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, empty_database_url], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    applied = " ".join(process.communicate()[0] for process in both).split()
    assert [process.returncode for process in both] == [0, 0]
    assert applied == schema_version.names()


def test_an_empty_database_is_behind(empty_database_url: str) -> None:
    with connect_to(empty_database_url) as conn:
        assert schema_version.current(conn) is None
        with pytest.raises(MigrationsBehind, match="no tables yet") as caught:
            schema_version.check(conn)
    assert "registry init" in caught.value.hint


def test_a_database_of_a_newer_version_is_refused(
    conn: psycopg.Connection, database_url: str
) -> None:
    conn.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    with pytest.raises(MigrationsBehind, match="9999_from_the_future") as caught:
        schema_version.check(conn)
    assert "upgrade optout-registry" in caught.value.hint
    with pytest.raises(MigrationsBehind, match="9999_from_the_future"):
        migrate.migrate(database_url)


def test_a_database_one_migration_behind_is_told_apart(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = schema_version.names()
    monkeypatch.setattr(schema_version, "names", lambda: [*names, "9998_next"])
    with pytest.raises(MigrationsBehind, match=rf"at {names[-1]}.*needs 9998_next"):
        schema_version.check(conn)


def migrate_before(name: str, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apply the migrations before this one."""
    shutil.copytree(schema_version.folder(), folder)
    for file in sorted((folder / "versions").glob("[0-9]*")):
        if file.stem >= name:
            file.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(schema_version, "folder", lambda: folder)
        patch.setattr(migrate, "folder", lambda: folder)
        migrate.migrate(url)


def test_earlier_observations_get_the_first_reading_of_their_place(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "0017_first_readings"
    migrate_before(name, empty_database_url, tmp_path / "earlier", monkeypatch)
    a, b = "https://art.example/a.jpg", "https://art.example/b.jpg"
    page, long = "https://art.example/", "https://art.example/" + "x" * 9000
    # The last two URLs have the same key in the index of places.
    places = [(a, page), (b, page), (a, None), (a, page), (a, ""), (long, long), (b, page)]
    places += [(long, long), (a, None), (a, page), (f"{a}\n{page}", None)]
    with connect_to(empty_database_url) as conn:
        visit = conn.execute(
            "INSERT INTO visit (spider, start_url, host, user_agent, started_at, state)"
            " VALUES ('gallery', %s, 'art.example', 'test', now(), 'finished') RETURNING id",
            [page],
        ).fetchone()
        assert visit is not None
        insert = (
            "INSERT INTO observation"
            " (visit_id, observed_at, image_url, page_url, relation, refusal)"
            " VALUES (%s, now(), %s, %s, 'own', 'too-large')"
        )
        for place in places:
            conn.execute(insert, [visit[0], *place])
        applied = migrate.migrate(empty_database_url)
        assert applied[0] == name
        firsts = [1, 2, 3, 1, 5, 6, 2, 6, 3, 1, 11]
        query = "SELECT first_id FROM observation ORDER BY id"
        assert [first for (first,) in conn.execute(query)] == firsts
        # The release before writes without the column.
        for place in places:
            conn.execute(insert, [visit[0], *place])
        assert [first for (first,) in conn.execute(query)] == firsts * 2
        columns = "first_id, again, takes_back"
        rows = conn.execute(f"SELECT {columns} FROM observation_with_again ORDER BY id").fetchall()
        assert rows == [(first, 0, True) for first in firsts * 2]
