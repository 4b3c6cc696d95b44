"""Files that are either whole or absent, even after a power cut.

The order is the one LevelDB and Git use: write a temporary file, flush it to
the disk, rename it over the name, flush the folder that holds the name.
"""

from __future__ import annotations

import os
from pathlib import Path

from registry.errors import UnwritableOutput


def unwritable(path: Path, error: OSError) -> UnwritableOutput:
    """Return the error for a file that the system refused to write."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    return UnwritableOutput(f"{path} cannot be written: {reason}")


def flush_file(path: Path) -> None:
    """Force the bytes of a file to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def flush_folder(path: Path) -> None:
    """Force the names in a folder to the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def move_into_place(temporary: Path, path: Path) -> None:
    """Give a finished file its name: on disk first, then named, then the name on disk."""
    flush_file(temporary)
    temporary.replace(path)
    flush_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a small text file durably, replacing what was there in one step.

    Raises UnwritableOutput.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        move_into_place(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)
