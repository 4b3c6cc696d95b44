"""Connects to the database, and translates the driver's errors into those of this project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import conninfo, errors

from registry.db import schema_version
from registry.errors import DatabaseUnavailable, MigrationsBehind, UsageError
from registry.home import registry_home

OLDEST_MAJOR = 15
# Attempts to connect to the embedded server, which may be killed right after it was ready.
TRIES = 3
VARIABLE = "REGISTRY_DATABASE_URL"
DEFAULTS = {"connect_timeout": "10", "application_name": "optout-registry"}
# The longest wait for a lock; and no compiling of queries, which takes longer than they do:
# statistics of tables that were filled a moment ago are missing, and so their costs are guessed.
SESSION = {"TimeZone": "UTC", "client_encoding": "UTF8", "lock_timeout": "30s", "jit": "off"}


def is_embedded() -> bool:
    """Return whether the database is the embedded one: no server is named."""
    return not os.environ.get(VARIABLE)


def database_url() -> str:
    """Return `REGISTRY_DATABASE_URL`, or the URL of the embedded server, started if necessary.

    The embedded server is then held until this process ends.
    """
    if not is_embedded():
        return os.environ[VARIABLE]
    if os.name == "nt":
        raise DatabaseUnavailable(
            "there is no embedded PostgreSQL on Windows", f"name a server in {VARIABLE}"
        )
    from registry.db import embedded

    return embedded.hold(registry_home())


def database_name() -> str:
    """Return the name of the database for messages, like `where`, without starting a server."""
    return "the embedded database" if is_embedded() else where(parse(os.environ[VARIABLE]))


@contextmanager
def connect(*, migrate_check: bool = True) -> Iterator[psycopg.Connection]:
    """Yield an autocommit connection; use `conn.transaction()` to group statements.

    Driver errors inside the block are translated, too. Raises UsageError for an invalid
    URL, DatabaseUnavailable, and with `migrate_check` MigrationsBehind if the schema is
    not that of this version. An embedded database is migrated instead.
    """
    url = database_url()
    with connect_to(url) as conn:
        if migrate_check:
            if is_embedded() and schema_version.is_behind(conn):
                _migrate(url)
            schema_version.check(conn)
        yield conn


def _migrate(url: str) -> None:
    from registry.db.migrate import migrate

    migrate(url)


@contextmanager
def connect_to(url: str) -> Iterator[psycopg.Connection]:
    """Yield a connection to this URL, like `connect`, without checking the schema."""
    parameters = parse(url)
    with translated(where(parameters)), _opened(parameters, url) as conn:
        info = conn.info
        refuse_unsupported_server(info.server_version, info.parameter_status("server_encoding"))
        conn.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        for name, value in SESSION.items():
            conn.execute("SELECT set_config(%s, %s, false)", (name, value))
        yield conn


def _opened(parameters: dict[str, str], url: str) -> psycopg.Connection:
    """Return a connection; restart the embedded server of this process if it ended."""
    for _ in range(TRIES - 1 if _is_held(url) else 0):
        try:
            return psycopg.connect(**parameters, autocommit=True)  # type: ignore[arg-type]
        except psycopg.OperationalError:
            # Waits for a server that starts, stops or recovers, or starts a new one.
            database_url()
    return psycopg.connect(**parameters, autocommit=True)  # type: ignore[arg-type]


def _is_held(url: str) -> bool:
    if not is_embedded():
        return False
    from registry.db import embedded

    return embedded.is_held(registry_home(), url)


def parse(url: str) -> dict[str, str]:
    """Split a libpq URL or keyword string into its parameters, with our defaults.

    The text itself never appears in the error: it may hold a password.
    """
    try:
        given = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise UsageError(
            f"{VARIABLE} is not a PostgreSQL URL",
            "its form: postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
        ) from None
    return DEFAULTS | {name: str(value) for name, value in given.items() if value is not None}


def where(parameters: dict[str, str]) -> str:
    """Return the name of a database for messages: host, port and name, never a password."""
    host = parameters.get("host") or parameters.get("hostaddr") or os.environ.get("PGHOST")
    port = parameters.get("port") or os.environ.get("PGPORT") or "5432"
    name = parameters.get("dbname") or os.environ.get("PGDATABASE") or parameters.get("user", "")
    if not host or host.startswith("/"):
        return f"the database {name} (socket in {host or 'the default folder'})"
    return f"the database {host}:{port}/{name}"


def refuse_unsupported_server(version: int, encoding: str | None) -> None:
    """Raise DatabaseUnavailable if the server is too old or the database's encoding not UTF8."""
    if version < OLDEST_MAJOR * 10_000:
        raise DatabaseUnavailable(
            f"the server is PostgreSQL {version // 10_000}; {OLDEST_MAJOR} or newer is needed",
            f"set {VARIABLE} to a newer one, or unset it to use the embedded PostgreSQL",
        )
    if encoding != "UTF8":
        raise DatabaseUnavailable(
            f"the database's encoding is {encoding}; UTF8 is needed",
            "create another: createdb --encoding=UTF8 --template=template0 NAME",
        )


@contextmanager
def translated(database: str) -> Iterator[None]:
    """Translate psycopg's errors that a user can act on into those of registry.errors.

    Bugs (wrong SQL, a violated constraint) are raised unchanged.
    """
    try:
        yield
    except errors.UndefinedTable as error:
        raise MigrationsBehind(f"{database} lacks a table: {_reason(error)}") from error
    except (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction) as error:
        raise DatabaseUnavailable(
            f"{database} refuses: {_reason(error)}",
            "use an account that may create and write tables there",
        ) from error
    except errors.LockNotAvailable as error:
        raise DatabaseUnavailable(
            f"{database}: another session has held a lock for too long", "try again later"
        ) from error
    except errors.DiskFull as error:
        raise DatabaseUnavailable(
            f"{database} has no space left: {_reason(error)}", f"free space {_on_its_disk()}"
        ) from error
    except errors.ProgramLimitExceeded:
        # psycopg counts it as operational, but trying again cannot help: the value is too large.
        raise
    except (psycopg.OperationalError, errors.IdleInTransactionSessionTimeout) as error:
        raise _unavailable(database, error) from error


def _on_its_disk() -> str:
    """Return, for a hint, where to free space."""
    if not is_embedded():
        return "on its disk"
    from registry.db import embedded

    return f"in {embedded.held_folder(registry_home())}"


def _lack_of_space() -> str:
    """Return why the embedded server ended all sessions, if its disk is full; else ""."""
    if not is_embedded():
        return ""
    from registry.db import embedded
    from registry.db.reasons import panic

    try:
        log = (embedded.held_folder(registry_home()) / "log").read_text(errors="replace")
    except OSError:
        return ""
    why = panic(log)
    return why.message if why and why.shortage == "space" else ""


def _restart_hint() -> str | None:
    """Return the hint for an embedded server that does not answer; None: the class's own hint."""
    if not is_embedded():
        return None
    from registry.db import embedded

    log = embedded.held_folder(registry_home()) / "log"
    return f"run the command again: it starts the embedded PostgreSQL, whose log is {log}"


def _unavailable(database: str, error: psycopg.Error) -> DatabaseUnavailable:
    reason = _reason(error)
    # libpq gives no SQLSTATE for a failed connection, only the server's message.
    if "does not exist" in reason and "database" in reason:
        return DatabaseUnavailable(f"{database} does not exist", "create it: createdb NAME")
    if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
        if shortage := _lack_of_space():
            return DatabaseUnavailable(
                f"{database} has no space left: {shortage}", f"free space {_on_its_disk()}"
            )
        return DatabaseUnavailable(f"{database} does not answer: {reason}", _restart_hint())
    return DatabaseUnavailable(f"{database} reported an error: {reason}", "try again")


def _reason(error: psycopg.Error) -> str:
    """Return the driver's own reason as one line."""
    primary = error.diag.message_primary
    if primary:
        return primary
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # If several addresses were tried, the first line names a fault and the last is a summary.
    first = lines[0] if lines else type(error).__name__
    return first.rsplit("failed: ", 1)[-1]
