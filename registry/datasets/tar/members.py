"""Members of a tar file, one after another, whatever its damage.

Python's tarfile gives up at the first damaged header and keeps every header in memory; here the
next header is searched, and contents that are not wanted are skipped.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import IO, NamedTuple

import pyarrow as pa

from registry.datasets.tar import headers as tar_headers
from registry.datasets.tar.headers import BLOCK, LINKS, MAGIC, MAGIC_AT, META, SPARSE, Header, Meta

# Most bytes of the headers before a member: names and records.
_MOST_META = 1 << 20
_CHUNK = 1 << 20
# Zeros at the end of a tar file: two blocks, and the rest of a record.
_MOST_ZEROS = 2 * BLOCK + 10240
CUT = "the tar file is cut off"
_SPARSE_FILE = "a sparse file"


class Member(NamedTuple):
    """One member. `head` are its headers as they are in the file; `odd`: why it is not read."""

    name: str
    size: int
    head: bytes
    odd: str | None = None


# One that is passed over.
_PASSED = Member("", 0, b"")


class Damage(NamedTuple):
    """A part of the file without members that can be read."""

    why: str


class Members:
    """The files and links in a tar file, in order; folders and devices are passed over.

    `read` and `start` return the content of the last one. `is_whole`: the mark of the end was
    there.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = _Pushable(file)
        # Bytes that follow of the content of the last member, and of its padding.
        self._left, self._padding = 0, 0
        self._started = b""
        self.is_whole = False

    @property
    def position(self) -> int:
        """Bytes of the file that have been passed."""
        return self._file.at

    def __iter__(self) -> Iterator[Member | Damage]:
        """Yield the members, and between them what is damaged."""
        while True:
            missing = self._left + self._padding
            if self._file.skip(missing) < missing:
                yield self._cut()
                return
            self._left = self._padding = 0
            self._started = b""
            found = self._next()
            if found is None:
                return
            if isinstance(found, Damage) or found.name:
                yield found
                if isinstance(found, Damage) and self._file.is_at_end:
                    return

    def start(self, size: int) -> bytes:
        """Return the first bytes of the content."""
        if len(self._started) < size:
            self._started += self._taken(size - len(self._started))
        return self._started[:size]

    def read(self) -> bytes:
        """Return the content; less if the file ends in it."""
        content = self._started + self._taken(self._left)
        self._started = content
        return content

    def padding(self) -> bytes:
        """Return the bytes after a content that was read."""
        data = self._file.read(self._padding)
        self._padding -= len(data)
        return data

    def _taken(self, size: int) -> bytes:
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data

    def _next(self) -> Member | Damage | None:
        """Return what follows; None at the end, a member without a name for one to pass over."""
        head: list[bytes] = []
        meta: Meta | None = None
        while True:
            block = self._file.read(BLOCK)
            header = tar_headers.parsed(block) if len(block) == BLOCK else None
            if header is None:
                return self._no_header(block, bool(head))
            head.append(block)
            if header.kind not in META:
                return self._member(meta, header, head)
            if header.size > _MOST_META - sum(map(len, head)):
                return self._resumed("a header of a tar member is too long")
            content = self._file.read(tar_headers.padded(header.size))
            head.append(content)
            meta = meta or Meta()
            meta.add(header, content[: header.size])

    def _member(self, meta: Meta | None, header: Header, head: list[bytes]) -> Member:
        odd = None
        if meta is not None:
            header = meta.applied(header)
            odd = "a damaged PAX header" if meta.is_damaged else None
        if header.kind == SPARSE:
            odd = _SPARSE_FILE
            self._skip_map(head, meta is not None and meta.is_sparse)
        elif header.kind in LINKS:
            odd = "a link"
        self._left = header.size
        self._padding = -header.size % BLOCK
        if not (odd or header.is_file):
            return _PASSED
        name = header.name.decode("utf-8", "backslashreplace")
        return Member(name, header.size, b"".join(head) if len(head) > 1 else head[0], odd)

    def _skip_map(self, head: list[bytes], is_pax: bool) -> None:
        """Read the further blocks of the map of a GNU sparse file."""
        more = not is_pax and tar_headers.is_extended(head[-1], is_first=True)
        while more and len(block := self._file.read(BLOCK)) == BLOCK:
            head.append(block)
            more = tar_headers.is_extended(block, is_first=False)

    def _no_header(self, block: bytes, in_member: bool) -> Damage | Member | None:
        """Return what follows a block that is no header."""
        if len(block) < BLOCK and (block or in_member or self._file.error):
            return self._cut()
        if not block:
            return None
        if block.strip(b"\0") or in_member:
            return self._resumed("a header in the tar file is damaged", block)
        self.is_whole = True
        start = self._file.at - BLOCK
        if not self._file.skip_zeros():
            return self._cut() if self._file.error else None
        if (size := self._file.at - start) > _MOST_ZEROS:
            return Damage(f"the tar file has no content for {size:,} bytes from byte {start:,} on")
        # Several tar files may follow one another.
        return _PASSED

    def _resumed(self, why: str, block: bytes = b"") -> Damage:
        """Go to the next header, and return what lies before it as damage."""
        start = self._file.at - len(block)
        self._file.push(block[1:])
        size = self._file.skip_to_header()
        self.is_whole = False
        if self._file.is_at_end:
            return Damage(f"{why} at byte {start:,}, and no other follows")
        return Damage(f"{why} at byte {start:,}; the next one is {size + len(block[:1]):,} on")

    def _cut(self) -> Damage:
        self.is_whole = False
        why = f": {self._file.error}" if self._file.error else ""
        return Damage(f"{CUT} at byte {self._file.at:,}{why}")


class _Pushable:
    """A file of which bytes can be put back; `at` is the place in it.

    An error while it is read is its end; `error` says which. A file on disk is not read where
    bytes are skipped.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._back, self._back_at = file, b"", 0
        self.at, self.error, self.is_at_end = 0, "", False
        self._size = file.seek(0, os.SEEK_END) if _is_on_disk(file) else None
        if self._size is not None:
            file.seek(0)

    def read(self, size: int) -> bytes:
        """Read so many bytes; less at the end."""
        data = self._pushed(size) if self._back else self._file_read(size)
        if len(data) < size:
            data = self._rest(data, size)
        self.at += len(data)
        return data

    def _pushed(self, size: int) -> bytes:
        """Return bytes that were put back."""
        data = self._back[self._back_at : self._back_at + size]
        self._back_at += len(data)
        if self._back_at == len(self._back):
            self._back, self._back_at = b"", 0
        return data

    def _rest(self, data: bytes, size: int) -> bytes:
        """Read until there are so many bytes: a compressed file returns less at a time."""
        parts, have = [data], len(data)
        while have < size and (more := self._file_read(size - have)):
            parts.append(more)
            have += len(more)
        self.is_at_end |= have < size
        return b"".join(parts)

    def _file_read(self, size: int) -> bytes:
        if self.error:
            # Arrow's streams may return bytes again after an error, without end.
            return b""
        try:
            return self._file.read(size)
        except (OSError, EOFError, pa.ArrowException) as error:
            self.error = str(error).partition("\n")[0] or type(error).__name__
            return b""

    def push(self, data: bytes) -> None:
        """Put bytes back."""
        self.at -= len(data)
        self.is_at_end &= not data
        if self._size is not None:
            self._file.seek(self.at)
        else:
            self._back, self._back_at = data + self._back[self._back_at :], 0

    def skip(self, size: int) -> int:
        """Go on by so many bytes; return how many there were."""
        if self._size is not None:
            there = max(min(size, self._size - self.at), 0)
            self._file.seek(there, os.SEEK_CUR)
            self.at += there
            self.is_at_end |= there < size
            return there
        left = size
        while left and (data := self.read(min(left, _CHUNK))):
            left -= len(data)
        return size - left

    def skip_zeros(self) -> bool:
        """Go on to the next block that is not all zeros; return whether there is one."""
        while data := self.read(_CHUNK):
            rest = data.lstrip(b"\0")
            if rest:
                self.push(data[(len(data) - len(rest)) // BLOCK * BLOCK :])
                return True
        return False

    def skip_to_header(self) -> int:
        """Go on to the next header, at any byte; return the number of bytes before it."""
        start = self.at
        data = b""
        while more := self.read(_CHUNK):
            data += more
            at = data.find(MAGIC, MAGIC_AT)
            while at != -1:
                block = data[at - MAGIC_AT : at - MAGIC_AT + BLOCK]
                if len(block) == BLOCK and tar_headers.parsed(block):
                    self.push(data[at - MAGIC_AT :])
                    return self.at - start
                at = data.find(MAGIC, at + 1)
            data = data[-BLOCK:]
        return self.at - start


def _is_on_disk(file: IO[bytes]) -> bool:
    return isinstance(file, io.BufferedReader) and file.seekable()
