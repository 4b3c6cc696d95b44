"""WARC files on disk: one process appends captures, a gzip member for each record."""

from __future__ import annotations

import gzip
import os
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import NamedTuple
from uuid import uuid4

from crawler.warc.captures import Capture
from crawler.warc.records import capture_records, info_record
from registry import PRODUCT_TOKEN, __version__
from registry.durable import flush_folder, unwritable

# Bytes after which the next file is begun.
MOST_BYTES = 1 << 30
SOFTWARE = f"{PRODUCT_TOKEN}/{__version__}"
_HINT = "free space there, or name another folder with --warc"


class Place(NamedTuple):
    """Where a capture is: the name of the file, the offset of its first record, its bytes."""

    file: str
    place: int
    size: int


class _File(NamedTuple):
    """An open file; `info_id` names its first record."""

    path: Path
    number: int
    info_id: str


def writable_folder(folder: Path) -> Path:
    """Create a folder if it is not there; return its absolute path.

    Raises UnwritableOutput if no file can be created in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise unwritable(folder, error, _HINT) from error
    return folder.absolute()


class WarcWriter:
    """Appends captures to the files of one process in a folder; may be called from any thread.

    A file is opened for the first capture, and after `most_bytes` the next one is.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        """Prepare; nothing is written."""
        self._folder = folder
        self._most_bytes = most_bytes
        self._process = secrets.token_hex(4)
        self._number = 0
        self._open: _File | None = None
        # Bytes of the open file that were written, and those that are on the disk for certain.
        self._written = self._synced = 0
        self._lock = Lock()

    def write(self, captures: Sequence[Capture]) -> list[Place]:
        """Append captures; return where each of them is. They are on the disk then.

        Raises UnwritableOutput; none of them is in the open file then, and it is closed.
        """
        with self._lock:
            try:
                places = [self._append(capture) for capture in captures]
                self._sync()
            except OSError as error:
                path = self._open.path if self._open else self._folder
                self._drop()
                raise unwritable(path, error, _HINT) from error
        return places

    def close(self) -> None:
        """Close the open file; the next capture would begin another."""
        with self._lock:
            self._close()

    def _append(self, capture: Capture) -> Place:
        if self._open is not None and self._written >= self._most_bytes:
            self._sync()
            self._close()
        file = self._open or self._begun(capture)
        place = self._written
        for record in capture_records(capture, file.info_id, _new_id):
            self._put(record)
        return Place(file.path.name, place, self._written - place)

    def _begun(self, capture: Capture) -> _File:
        now = datetime.now(UTC)
        self._number += 1
        name = f"optout-{now:%Y%m%dT%H%M%SZ}-{self._process}-{self._number:05}.warc.gz"
        path = self._folder / name
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        self._open = file = _File(path, number, _new_id())
        self._written = self._synced = 0
        agent = next((value for name, value in capture.sent if name.lower() == "user-agent"), "")
        self._put(info_record(name, SOFTWARE, agent, now, file.info_id))
        flush_folder(self._folder)
        return file

    def _put(self, record: bytes) -> None:
        assert self._open is not None
        rest = memoryview(gzip.compress(record, compresslevel=6, mtime=0))
        while rest:
            done = os.write(self._open.number, rest)
            self._written += done
            rest = rest[done:]

    def _sync(self) -> None:
        if self._open is not None and self._synced < self._written:
            os.fsync(self._open.number)
            self._synced = self._written

    def _drop(self) -> None:
        """Close the open file without what may be incomplete at its end."""
        if self._open is None:
            return
        with suppress(OSError):
            if self._synced:
                os.ftruncate(self._open.number, self._synced)
            else:
                self._open.path.unlink()
        self._close()

    def _close(self) -> None:
        file, self._open = self._open, None
        if file is not None:
            with suppress(OSError):
                os.close(file.number)


def _new_id() -> str:
    return str(uuid4())
