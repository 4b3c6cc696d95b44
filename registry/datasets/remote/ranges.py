"""A remote file that is read by ranges of bytes, a little ahead; or only from its start on."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from typing import IO, Any

from registry.datasets.remote import known
from registry.datasets.remote.faults import retried
from registry.datasets.remote.places import Info, place_of
from registry.errors import RefusedFile

# Bytes that are read ahead: at first, and after many reads one behind the other.
FIRST, MOST = known.HEAD, 8 << 20
# Most bytes of one request.
REQUEST = 64 << 20


class RangeFile(io.RawIOBase):
    """The bytes of a file, of which only those around the last place are kept.

    With `ahead` the more is read ahead the longer reads follow one another.
    """

    def __init__(self, url: str, info: Info, *, ahead: bool) -> None:
        self.name = url
        self._url, self._size, self._most = url, info.size, MOST if ahead else FIRST
        self._at = self._start = 0
        self._kept = memoryview(b"")
        self._ahead = FIRST
        self._is_lost = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place in the file."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("a place before the file")
        self._at = base + offset
        return self._at

    def readinto(self, into: Any) -> int:
        """Fill a buffer, as far as the file goes. Raises OSError."""
        view = memoryview(into).cast("B")
        done = 0
        while done < len(view) and self._at < self._size:
            inside = self._at - self._start
            if not 0 <= inside < len(self._kept):
                self._get(len(view) - done)
                continue
            part = self._kept[inside : inside + len(view) - done]
            view[done : done + len(part)] = part
            done += len(part)
            self._at += len(part)
        return done

    def readall(self) -> bytes:
        """Return all bytes that follow. Raises OSError."""
        return self.read(max(self._size - self._at, 0)) or b""

    def _get(self, wanted: int) -> None:
        """Keep the bytes from here on."""
        last = self._start + len(self._kept)
        if last <= self._at <= last + self._ahead and self._kept:
            self._ahead = min(2 * self._ahead, self._most)
        else:
            self._ahead = FIRST
        head = known.head_of(self._url) if self._at < FIRST else None
        if head is not None and self._at < len(head):
            self._start, self._kept = 0, memoryview(head)
            return
        end = min(self._at + min(max(wanted, self._ahead), REQUEST), self._size)
        # Formats that begin with the end of a file go back from there.
        start = max(min(self._at, end - FIRST), 0) if end == self._size else self._at
        self._kept = memoryview(b"")
        self._start, self._kept = start, memoryview(self._fetched(start, end))
        if start == 0 and end >= min(FIRST, self._size):
            known.keep_head(self._url, bytes(self._kept[:FIRST]))

    def _fetched(self, start: int, end: int) -> bytes:
        parts: list[bytes] = []
        place = place_of(self._url)

        def more() -> None:
            nonlocal start
            data = place.fetch(self._url, start, end)
            if len(data) > end - start:
                raise OSError("the server sent more bytes than it was asked for")
            parts.append(data)
            start += len(data)
            if start < end:
                raise OSError("the answer of the server ended early")

        try:
            # A server that is gone is not asked again and again for each part of a file.
            retried(more, again=not self._is_lost)
        except OSError:
            self._is_lost = True
            raise
        return b"".join(parts) if len(parts) > 1 else parts[0]


class StreamFile(io.RawIOBase):
    """A file of a server without ranges, which is read from its start on."""

    def __init__(self, url: str, info: Info) -> None:
        self.name = url
        self._url, self._size = url, info.size
        self._at = 0
        self._stream: IO[bytes] | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, into: Any) -> int:
        """Read into a buffer. Raises OSError."""
        view = memoryview(into).cast("B")
        head = known.head_of(self._url) or b""
        if self._stream is None and self._at < len(head):
            data = head[self._at : self._at + len(view)]
        else:
            data = retried(lambda: self._read(len(view)))
        if not data and self._at < self._size:
            raise OSError("the answer of the server ended early")
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _read(self, size: int) -> bytes:
        try:
            if self._stream is None:
                self._stream = place_of(self._url).stream(self._url)
                self._skip(self._at)
            return self._stream.read(size)
        except BaseException:
            self.close_stream()
            raise

    def _skip(self, size: int) -> None:
        """Pass over what was read before: also of a stream that begins anew after a fault."""
        while size and self._stream is not None:
            data = self._stream.read(min(size, FIRST))
            if not data:
                raise OSError("the answer of the server ended early")
            size -= len(data)

    def close_stream(self) -> None:
        """End the answer of the server."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.close()
            self._stream = None

    def close(self) -> None:
        """End the answer of the server."""
        self.close_stream()
        super().close()


class StreamReader(io.BufferedReader):
    """A buffer before a file that is read from its start on."""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Raise RefusedFile."""
        raise RefusedFile(
            f"{getattr(self.raw, 'name', '')}: the server sends no ranges of bytes, which this "
            "format needs",
            "copy it to a local disk, and name the copy",
        )
