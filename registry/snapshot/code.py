"""A digest of the code that reads evidence and writes segments."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from registry.fingerprints import versions
from registry.signals import readers

# Rooms and files whose code and data decide what is in a segment.
ROOMS = (
    *("agents", "evidence", "signals", "snapshot", "urls", "verdict"),
    *("db/rows.py", "model.py", "plugins.py", "text.py"),
)


def code_digest() -> str:
    """Return a digest of the code, the readers' names and the versions of fingerprints, in hex.

    Segments that other code has built are built again.
    """
    names = repr((sorted(readers()), sorted(versions().items()), _sources()))
    return hashlib.sha256(names.encode()).hexdigest()


@cache
def _sources() -> str:
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for file in sorted(_files(package)):
        digest.update(f"\n{file.relative_to(package)}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _files(package: Path) -> Iterator[Path]:
    for room in ROOMS:
        place = package / room
        files = place.rglob("*") if place.is_dir() else [place]
        yield from (file for file in files if file.suffix != ".pyc" and file.is_file())
