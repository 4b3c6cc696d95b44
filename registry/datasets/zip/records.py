"""Records of zip files (pure): the directory, its end, the headers of files, also of zip64.

The layout is that of PKWARE's APPNOTE.TXT, chapter 4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
DESCRIPTOR = b"PK\7\10"
_END_64, _LOCATOR = b"PK\6\6", b"PK\6\7"
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_END_64_RECORD = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_RECORD = struct.Struct("<4sLQL")
LOCAL_SIZE = _LOCAL.size
# Bytes from the end of a file in which its directory is found: the longest comment.
LONGEST_END = 65535 + _END.size + _LOCATOR_RECORD.size + _END_64_RECORD.size
# A number that is in the zip64 field instead.
_LARGE, _LARGE_COUNT = 0xFFFFFFFF, 0xFFFF
_ZIP64 = 1
_ENCRYPTED, HAS_DESCRIPTOR, _UTF_8 = 1, 8, 0x800
STORED, DEFLATED = 0, 8
_VERSION_64 = 45


class Entry(NamedTuple):
    """One file: `packed` and `size` are its bytes, `at` is the place of its header in the archive.

    `record` is its record in the directory.
    """

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    at: int
    record: bytes

    @property
    def is_encrypted(self) -> bool:
        """Whether its bytes are encrypted."""
        return bool(self.flags & _ENCRYPTED)


class Directory(NamedTuple):
    """Where the directory is: its place, bytes and number of files.

    `shift` is added to the places in it: bytes may lie before the archive.
    """

    start: int
    size: int
    files: int
    shift: int


def directory_in(tail: bytes, start: int) -> Directory | None:
    """Return where the directory is, by the last bytes of a file, which begin at `start`."""
    at = tail.rfind(END)
    while at != -1:
        if len(tail) >= at + _END.size:
            _, _, _, _, files, size, place, comment = _END.unpack_from(tail, at)
            if at + _END.size + comment == len(tail):
                return _with_64(tail, start, at, (files, size, place))
        at = tail.rfind(END, 0, at)
    return None


def _with_64(tail: bytes, start: int, at: int, numbers: tuple[int, int, int]) -> Directory | None:
    files, size, place = numbers
    end = at
    locator = at - _LOCATOR_RECORD.size
    if locator >= 0 and tail.startswith(_LOCATOR, locator):
        # The record lies just before, also where bytes before the archive make its place wrong.
        end = tail.rfind(_END_64, 0, locator)
        if end == -1 or end + _END_64_RECORD.size > locator:
            return None
        *_, files, size, place = _END_64_RECORD.unpack_from(tail, end)
    first = start + end - size
    return Directory(first, size, files, first - place) if 0 <= place <= first else None


def entries(content: bytes, shift: int) -> Iterator[Entry | None]:
    """Yield the files of a directory; None where it is damaged, at the end."""
    at = 0
    while at < len(content):
        entry = entry_at(content, at, shift)
        if entry is None:
            yield None
            return
        yield entry
        at += len(entry.record)


def entry_at(content: bytes, at: int, shift: int) -> Entry | None:
    """Return the file of a record in a directory; None if it is damaged."""
    if len(content) < at + _CENTRAL.size or not content.startswith(CENTRAL, at):
        return None
    fields = _CENTRAL.unpack_from(content, at)
    flags, method = fields[5], fields[6]
    crc, packed, size = fields[9], fields[10], fields[11]
    lengths, place = fields[12:15], fields[18]
    first = at + _CENTRAL.size
    end = first + sum(lengths)
    if end > len(content):
        return None
    name = content[first : first + lengths[0]]
    extra = content[first + lengths[0] : first + lengths[0] + lengths[1]]
    numbers = _large_numbers(extra, [size, packed, place])
    if numbers is None or numbers[2] + shift < 0:
        return None
    return Entry(
        _text(name, flags), flags, method, crc, numbers[1], numbers[0], numbers[2] + shift,
        content[at:end],
    )  # fmt: skip


def _text(name: bytes, flags: int) -> str:
    name = name.partition(b"\0")[0]
    # Without the flag names are in the code page of MS-DOS.
    return name.decode("utf-8", "backslashreplace") if flags & _UTF_8 else name.decode("cp437")


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the extra fields of a header: kind and content."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        yield kind, extra[at + 4 : at + 4 + size]
        at += 4 + size


def _large_numbers(extra: bytes, numbers: list[int]) -> list[int] | None:
    """Return numbers, of which the large ones are in the zip64 field; None if it lacks one."""
    if _LARGE not in numbers:
        return numbers
    large = b"".join(content for kind, content in _fields(extra) if kind == _ZIP64)
    found = []
    for number in numbers:
        if number == _LARGE and len(large) >= 8:
            found.append(int.from_bytes(large[:8], "little"))
            large = large[8:]
        elif number == _LARGE and not large:
            # It may be the number itself.
            found.append(number)
        elif number == _LARGE:
            return None
        else:
            found.append(number)
    return found


class LocalHeader(NamedTuple):
    """The header before a file: its name in bytes, and where its content begins after it."""

    name: bytes
    length: int


def local_header(content: bytes) -> LocalHeader | None:
    """Return the header at the start of some bytes, whose name may be cut off; None if none is."""
    if len(content) < LOCAL_SIZE or not content.startswith(LOCAL):
        return None
    *_, name, extra = _LOCAL.unpack_from(content)
    return LocalHeader(content[LOCAL_SIZE : LOCAL_SIZE + name], LOCAL_SIZE + name + extra)


def entry_of_local(content: bytes, at: int) -> Entry | None:
    """Return the file of a header, as a directory has it; None if there is none.

    `content` are the bytes from `at` on. Sizes are 0 where they follow the content.
    """
    header = local_header(content)
    if header is None or len(content) < header.length:
        return None
    _, version, flags, method, time, date, crc, packed, size, _, _ = _LOCAL.unpack_from(content)
    extra = content[LOCAL_SIZE + len(header.name) : header.length]
    numbers = _large_numbers(extra, [size, packed])
    if numbers is None:
        return None
    record = _CENTRAL.pack(
        CENTRAL, 20, 3, version & 255, version >> 8, flags, method, time, date,
        crc, packed, size, len(header.name), len(extra), 0, 0, 0, 0, at & _LARGE,
    )  # fmt: skip
    record += header.name + extra
    return Entry(_text(header.name, flags), flags, method, crc, numbers[1], numbers[0], at, record)


def name_in(record: bytes) -> bytes:
    """Return the name in a record of a directory, as bytes."""
    return record[_CENTRAL.size : _CENTRAL.size + _CENTRAL.unpack_from(record)[12]]


def moved(entry: Entry, place: int) -> bytes:
    """Return the record of a file for a directory in which it has another place."""
    fields = list(_CENTRAL.unpack_from(entry.record))
    names, extras, _ = fields[12:15]
    first = _CENTRAL.size + names
    extra = entry.record[first : first + extras]
    large = b""
    for number, value in ((11, entry.size), (10, entry.packed), (18, place)):
        fields[number] = min(value, _LARGE)
        large += value.to_bytes(8, "little") if value >= _LARGE else b""
    kept = [(kind, content) for kind, content in _fields(extra) if kind != _ZIP64]
    kept += [(_ZIP64, large)] if large else []
    extra = b"".join(struct.pack("<HH", kind, len(one)) + one for kind, one in kept)
    fields[13] = len(extra)
    fields[3] = max(fields[3], _VERSION_64) if large else fields[3]
    fields[15] = 0
    name, comment = entry.record[_CENTRAL.size : first], entry.record[first + extras :]
    return _CENTRAL.pack(*fields) + name + extra + comment


def end_of(files: int, size: int, place: int) -> bytes:
    """Return the end of an archive, after its directory of some bytes at some place."""
    large = b""
    if files >= _LARGE_COUNT or size >= _LARGE or place >= _LARGE:
        large = _END_64_RECORD.pack(
            _END_64, _END_64_RECORD.size - 12, _VERSION_64, _VERSION_64, 0, 0,
            files, files, size, place,
        )  # fmt: skip
        large += _LOCATOR_RECORD.pack(_LOCATOR, 0, place + size, 1)
    count = min(files, _LARGE_COUNT)
    return large + _END.pack(END, 0, 0, count, count, min(size, _LARGE), min(place, _LARGE), 0)


def packed_entry(entry: Entry, crc: int, packed: int, size: int) -> tuple[bytes, Entry]:
    """Return header and record of a file with new content, deflated, under an old name."""
    name = name_in(entry.record)
    flags = entry.flags & _UTF_8
    fields = list(_CENTRAL.unpack_from(entry.record))
    fields[3:7] = [20, 0, flags, DEFLATED]
    fields[9:15] = [crc, packed, size, len(name), 0, 0]
    local = _LOCAL.pack(
        LOCAL, 20, flags, DEFLATED, fields[7], fields[8], crc, packed, size, len(name), 0
    )
    record = _CENTRAL.pack(*fields) + name
    return local + name, Entry(entry.name, flags, DEFLATED, crc, packed, size, 0, record)
