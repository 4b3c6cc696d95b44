"""Files in a zip archive, whatever its damage; contents within limits.

Python's zipfile reads nothing of an archive without its directory, and keeps no bytes of the
records, which kept files need.
"""

from __future__ import annotations

import os
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import IO

import numpy as np

from registry.datasets.zip import records as zip_records
from registry.datasets.zip.records import (
    DEFLATED,
    DESCRIPTOR,
    HAS_DESCRIPTOR,
    LOCAL,
    LOCAL_SIZE,
    STORED,
    Entry,
)
from registry.files import WHOLE_LIMIT

# Most files of an archive, and bytes of its directory.
MOST_FILES = 1 << 20
_MOST_DIRECTORY = 256 << 20
# Bytes at the start of a file in which its header is: name and extra fields.
_HEADER = LOCAL_SIZE + 2 * 65535
_CHUNK = 1 << 20
# A larger file that is packed more tightly is made to fill memory.
_SMALL, _TIGHTEST = 16 << 20, 200
_NO_DIRECTORY = "the directory of the zip file is missing or damaged: files may be missing"
_TOO_MANY = f"the zip file has more than {MOST_FILES:,} files"
_DAMAGED = "damaged in the zip file"


class ContentError(Exception):
    """The content of a file cannot be read."""


class ZipFile:
    """The files of an archive, in the order of the directory; folders are passed over.

    `damage` is the reason why there may be others. `file` must be on disk.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        self.damage: str | None = None
        found = self._of_directory()
        if found is None:
            self.damage = _NO_DIRECTORY
            found = list(self._of_headers())
        if len(found) > MOST_FILES:
            self.damage = _TOO_MANY
        self.entries = [one for one in found[:MOST_FILES] if not one.name.endswith("/")]
        # Where the next file begins, or else the directory.
        self._starts = np.unique(np.array([one.at for one in found], np.int64))
        counts = Counter(one.at for one in found)
        self._twice = frozenset(at for at, count in counts.items() if count > 1)

    def _of_directory(self) -> list[Entry] | None:
        """Return the files of the directory; None if it is missing or damaged."""
        start = max(self._size - zip_records.LONGEST_END, 0)
        directory = zip_records.directory_in(self._read(start, zip_records.LONGEST_END), start)
        if directory is None or directory.size > _MOST_DIRECTORY:
            return None
        content = self._read(directory.start, directory.size)
        found: list[Entry] = []
        for entry in zip_records.entries(content, directory.shift):
            if entry is None:
                return None
            found.append(entry)
            if len(found) > MOST_FILES:
                return found
        # With more files than 16 bits can count some programs write the rest of the number.
        is_whole = (len(found) - directory.files) % (1 << 16) == 0
        return found if is_whole and (found or directory.size == 0) else None

    def _of_headers(self) -> Iterator[Entry]:
        """Yield the files whose headers are found one after another, without a directory."""
        at = 0
        while (at := self._find(LOCAL, at, self._size)) != -1:
            head = self._read(at, _HEADER)
            entry = zip_records.entry_of_local(head, at)
            header = zip_records.local_header(head)
            if entry is None or header is None:
                at += 1
                continue
            start = at + header.length
            if entry.flags & HAS_DESCRIPTOR and not entry.packed:
                entry = self._described(entry, start)
            if entry is None or start + entry.packed > self._size:
                at += 1
                continue
            yield entry
            at = start + entry.packed

    def _described(self, entry: Entry, start: int) -> Entry | None:
        """Return a file with the sizes that follow its content; None if none do."""
        at = start
        while (at := self._find(DESCRIPTOR, at, self._size)) != -1:
            for width in (8, 4):
                data = self._read(at + 4, 4 + 2 * width + 2)
                crc, packed, size = (
                    int.from_bytes(data[first:last], "little")
                    for first, last in ((0, 4), (4, 4 + width), (4 + width, 4 + 2 * width))
                )
                # Another header follows, or the file is cut off.
                if packed == at - start and data[4 + 2 * width :] in (b"PK", b""):
                    return entry._replace(crc=crc, packed=packed, size=size)
            at += 1
        return None

    def _find(self, wanted: bytes, start: int, end: int) -> int:
        """Return where some bytes are first, or -1."""
        while start < end:
            data = self._read(start, _CHUNK)
            place = data.find(wanted)
            if place != -1:
                return start + place
            if len(data) < _CHUNK:
                break
            start += len(data) - len(wanted) + 1
        return -1

    def _read(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        return self._file.read(min(size, max(self._size - at, 0)))

    def extent(self, entry: Entry) -> tuple[int, int]:
        """Return where the content of a file begins and ends. Raises ContentError."""
        name = zip_records.name_in(entry.record)
        header = zip_records.local_header(self._read(entry.at, LOCAL_SIZE + len(name)))
        if header is None or header.name != name:
            raise ContentError(_DAMAGED)
        start = entry.at + header.length
        end = start + entry.packed
        place = int(np.searchsorted(self._starts, entry.at, "right"))
        limit = int(self._starts[place]) if place < len(self._starts) else self._size
        if end > limit or entry.at in self._twice:
            raise ContentError(f"{_DAMAGED}: it overlaps another file, or the archive is cut off")
        return start, end

    def whole_end(self, entry: Entry) -> int:
        """Return where a file ends with the sizes behind its content. Raises ContentError."""
        _, end = self.extent(entry)
        if not entry.flags & HAS_DESCRIPTOR:
            return end
        data = self._read(end, 24)
        mark = len(DESCRIPTOR) if data.startswith(DESCRIPTOR) else 0
        sizes = entry.packed.to_bytes(8, "little") + entry.size.to_bytes(8, "little")
        return end + mark + (20 if data[mark + 4 : mark + 20] == sizes else 12)

    def refuse(self, entry: Entry, limit: int = WHOLE_LIMIT) -> None:
        """Raise ContentError for a file that is not read, by what the directory says."""
        if entry.is_encrypted:
            raise ContentError("encrypted in the zip file")
        if entry.method not in (STORED, DEFLATED):
            raise ContentError(f"packed with the method {entry.method}, which is not read")
        if max(entry.size, entry.packed) > limit:
            raise ContentError(f"larger than {limit >> 20} MiB")
        if entry.size > max(_SMALL, _TIGHTEST * entry.packed):
            raise ContentError("packed so tightly as only a zip bomb is")

    def content(self, entry: Entry, limit: int = WHOLE_LIMIT) -> bytes:
        """Return the content of a file. Raises ContentError, OSError."""
        self.refuse(entry, limit)
        start, end = self.extent(entry)
        content = self._unpacked(entry, self._read(start, end - start), entry.size + 1)
        if len(content) != entry.size or zlib.crc32(content) != entry.crc:
            raise ContentError(f"{_DAMAGED}: its sum is wrong")
        return content

    def start(self, entry: Entry, size: int) -> bytes:
        """Return the first bytes of a file; nothing of one that cannot be read."""
        try:
            first, end = self.extent(entry)
            data = self._read(first, min(end - first, size + 1024))
            return b"" if entry.is_encrypted else self._unpacked(entry, data, size)[:size]
        except ContentError:
            return b""

    def raw(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes of the archive between two places."""
        for at in range(start, end, _CHUNK):
            yield self._read(at, min(end - at, _CHUNK))

    def _unpacked(self, entry: Entry, data: bytes, most: int) -> bytes:
        if entry.method == STORED:
            return data
        if entry.method != DEFLATED:
            return b""
        try:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, most)
        except zlib.error as error:
            raise ContentError(f"{_DAMAGED}: {error}") from error
