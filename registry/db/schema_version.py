"""The schema versions of the database and of this program.

The migrations are in `migrations/` of a checkout and in `registry/migrations/` of the
wheel. Every command compares the database with their file names, without loading Alembic.
"""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

import registry
from registry.errors import DatabaseUnavailable, MigrationsBehind

VERSION_TABLE = "alembic_version"
_NAME = re.compile(r"\d{4}_[a-z0-9_]{1,27}")


def folder() -> Path:
    """Return the folder of the migrations, in a wheel or in a checkout."""
    package = Path(registry.__file__).parent
    for candidate in (package / "migrations", package.parent / "migrations"):
        if (candidate / "env.py").exists():
            return candidate
    raise DatabaseUnavailable(
        f"the migrations are missing beside {package}", "install optout-registry again"
    )


def names() -> list[str]:
    """Return the names of all migrations, in order."""
    files = (folder() / "versions").glob("*.sql")
    return sorted(file.stem for file in files if _NAME.fullmatch(file.stem))


def head() -> str:
    """Return the newest migration this version has."""
    return names()[-1]


def current(conn: psycopg.Connection) -> str | None:
    """Return the newest migration the database has had, None for an empty database."""
    # to_regclass follows the search path and is null for a table that is not there.
    table = conn.execute("SELECT to_regclass(%s)", (VERSION_TABLE,)).fetchone()
    if table is None or table[0] is None:
        return None
    row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def is_behind(conn: psycopg.Connection) -> bool:
    """Return whether the database is empty or lacks migrations that this version has."""
    has = current(conn)
    return has is None or has in names()[:-1]


def check(conn: psycopg.Connection) -> None:
    """Raise MigrationsBehind unless the database has exactly this version's schema."""
    has, wants = current(conn), head()
    if has == wants:
        return
    if has is None:
        raise MigrationsBehind("the database has no tables yet")
    if has in names():
        raise MigrationsBehind(f"the database is at {has}, but this version needs {wants}")
    raise MigrationsBehind(
        f"the database is at {has}, which this version does not know",
        "a newer version migrated it: upgrade optout-registry",
    )
