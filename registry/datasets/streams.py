"""Opens the bytes of text datasets: plain, compressed, or from standard input.

The compression is recognised by the first bytes, not by the name.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from registry.datasets import STDIN
from registry.datasets.remote.listing import CREDENTIALS
from registry.datasets.remote.paths import is_url
from registry.errors import RefusedFile, UnreadableDataset
from registry.files import opened, standard_input

# Most bytes of standard input that are kept to be read again.
KEPT = 64 << 20
_MAGICS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}
_MAGIC = 4
# Bytes that show a web page.
_BEGIN = 64
# Compressions by the ending of a name, before which is the file's own ending.
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd", ".bz2": "bz2"}
# How a web page begins, which a server may answer for a file: a login, or what went wrong.
_WEB_PAGES = (b"<!doctype html", b"<html")
# Other compressions that are recognised, to name them: xz, lz4, zip, 7z.
_NOT_READ = (b"\xfd7zXZ", b"\x04\x22\x4d\x18", b"PK\x03\x04", b"7z\xbc\xaf")


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder; standard input is none, whatever lies beside."""
    return path != STDIN and path.is_dir()


def suffix_of(path: Path) -> str:
    """Return the ending of a name in lower case, without that of a compression."""
    name = path.name.lower()
    for ending in COMPRESSIONS:
        name = name.removesuffix(ending)
    return Path(name).suffix


class Source:
    """One file of a text dataset, or standard input.

    Standard input can be read only once. Its start is kept until more than KEPT bytes are read:
    what recognises a dataset, what samples it, and what reads it all begin at the start.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_stdin = path == STDIN
        self._file: IO[bytes] | None = None

    @property
    def position(self) -> int | None:
        """The bytes of the file, as they are in it, that are read; None while it is not open."""
        # Another thread may close it.
        with suppress(ValueError):
            return None if self._file is None else self._file.tell()
        return None

    @property
    def name(self) -> str:
        """The name to show."""
        return "standard input" if self.is_stdin else str(self.path)

    def head(self, size: int) -> bytes:
        """Return the first bytes, decompressed. Raises UnreadableDataset."""
        with self.opened() as file:
            return _read(file, size)

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Open the bytes, decompressed. Raises UnreadableDataset, also while they are read."""
        try:
            with self._raw() as file:
                if _begins_web_page(file.peek()):
                    raise _web_page(self.name)
                yield _decompressed(file)
        except (OSError, pa.ArrowException, EOFError) as error:
            raise unreadable(self.name, error) from error

    @contextmanager
    def _raw(self) -> Iterator[io.BufferedReader]:
        if not self.is_stdin:
            with opened(self.path) as file, io.BufferedReader(file.raw) as buffered:  # type: ignore[attr-defined]
                self._file = file.raw  # type: ignore[attr-defined]
                yield buffered
            return
        replay = _stdin()
        replay.start()
        yield io.BufferedReader(replay)


@cache
def _stdin() -> _Replay:
    return _Replay(standard_input())


class _Replay(io.RawIOBase):
    """Standard input, which can be started again as long as its start is kept."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._at = stream, 0
        self._kept: bytearray | None = bytearray()

    def start(self) -> None:
        """Begin again. Raises UnreadableDataset if the start is gone."""
        if self._kept is None:
            raise UnreadableDataset("standard input can be read only once", "write it to a file")
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Leave the stream open: it may be started again."""

    def readinto(self, into: Any) -> int:
        """Read into a buffer, and return the number of bytes."""
        view = memoryview(into).cast("B")
        data = bytes(self._kept[self._at : self._at + len(view)]) if self._kept is not None else b""
        if not data:
            data = self._stream.read(len(view))
            if self._kept is not None:
                self._kept += data
                if len(self._kept) > KEPT:
                    self._kept = None
        self._at += len(data)
        view[: len(data)] = data
        return len(data)


def unreadable(name: str, error: Exception) -> UnreadableDataset:
    """Return the error for a file that cannot be read, or not to its end."""
    why = getattr(error, "strerror", None) or str(error).splitlines()[0] or type(error).__name__
    hint = "the file may be incomplete: get it again"
    if isinstance(error, PermissionError):
        hint = CREDENTIALS if is_url(name) else "give yourself permission to read it"
    return UnreadableDataset(f"{name} cannot be read: {why}", hint)


def web_page(path: Path) -> UnreadableDataset | None:
    """Return the error for a file that is a web page; None for others, and for folders."""
    if is_folder(path):
        return None
    with suppress(UnreadableDataset, RefusedFile, OSError), opened(path) as file:
        return _web_page(str(path)) if _begins_web_page(file.read(_BEGIN)) else None
    return None


def _web_page(name: str) -> UnreadableDataset:
    return UnreadableDataset(
        f"{name} is a web page (HTML), not data",
        "it may be a login or an error page: get the file itself",
    )


def _begins_web_page(start: bytes) -> bool:
    return start[:_BEGIN].lstrip().lower().startswith(_WEB_PAGES)


def compression_of(start: bytes) -> str | None:
    """Return the compression of a file by its first bytes."""
    return next((kind for magic, kind in _MAGICS.items() if start.startswith(magic)), None)


def _decompressed(buffered: io.BufferedReader) -> IO[bytes]:
    start = buffered.peek(_MAGIC)
    if start.startswith(_NOT_READ):
        raise UnreadableDataset(
            "a compression that is not read", "compress it with gzip or zstd, or unpack it"
        )
    kind = compression_of(start)
    if kind is None:
        return buffered
    stream: IO[bytes] = pa.CompressedInputStream(pa.PythonFile(buffered, "r"), kind)
    return stream


def _read(file: IO[bytes], size: int) -> bytes:
    """Read so many bytes, or all; a compressed stream returns less at a time."""
    parts, left = [], size
    while left and (data := file.read(left)):
        parts.append(data)
        left -= len(data)
    return b"".join(parts)
