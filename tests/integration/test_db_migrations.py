"""Migrations: their names form a chain, and they make the schema this version works with."""

import re
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
