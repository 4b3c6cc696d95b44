"""Files that are either whole or absent, even after a power cut.

The order is the one LevelDB and Git use: write a temporary file, flush it to
the disk, rename it over the name, flush the folder that holds the name.
"""

from __future__ import annotations

import os
from pathlib import Path


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


def write_text(path: Path, text: str) -> None:
    """Write a small text file durably, replacing what was there in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    flush_folder(path.parent)
