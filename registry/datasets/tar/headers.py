"""Headers of tar members (pure): V7, ustar, GNU and PAX, as far as contents are found by them.

The layout of a header is that of POSIX.1-2017 (pax, "ustar Interchange Format") and of the GNU
tar manual ("Basic Tar Format").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

BLOCK = 512
# Where every header but the oldest has these bytes.
MAGIC, MAGIC_AT = b"ustar", 257
# Kinds of members. What follows a member of META is about the next one.
META = frozenset(b"xgXLKN")
LINKS = frozenset(b"12")
# Folders, devices and pipes: without content, whatever size is written.
_WITHOUT_CONTENT = frozenset(b"123456")
_FILES = frozenset(b"0\x007")
SPARSE = ord("S")
_FOLDER = ord("5")
_LONG_NAME = ord("L")
_EXTENDED = frozenset(b"xX")
# A number that starts so is not octal, but the bytes of a large integer.
_LARGE = 0x80
# The field of the sum counts as spaces in it.
_SPACES = 8 * ord(" ")
# Digits of a number in a PAX header.
_LONGEST_NUMBER = 20


class Header(NamedTuple):
    """One header: `size` is the bytes of content that follow it, without padding."""

    name: bytes
    size: int
    kind: int

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.kind in _FILES


def parsed(block: bytes) -> Header | None:
    """Return the header in a block of BLOCK bytes; None if it is none, or is damaged."""
    checksum = _number(block[148:156])
    if checksum != _sum(block) and checksum != _signed_sum(block):
        return None
    size = _number(block[124:136])
    if size is None or not (block.startswith(MAGIC, MAGIC_AT) or _is_oldest(block)):
        return None
    kind = block[156]
    name = block[:100].partition(b"\0")[0]
    # In the format of GNU tar this field has another meaning.
    if block[345] and block[257:263] == b"ustar\0":
        name = block[345:500].partition(b"\0")[0] + b"/" + name
    if not kind and name.endswith(b"/"):
        kind = _FOLDER
    return Header(name, 0 if kind in _WITHOUT_CONTENT else size, kind)


def _is_oldest(block: bytes) -> bool:
    """Return whether the fields of later formats are empty."""
    return not block[MAGIC_AT:345].strip(b"\0")


def _sum(block: bytes) -> int:
    return sum(block) - sum(block[148:156]) + _SPACES


def _signed_sum(block: bytes) -> int:
    """Return the sum of bytes as signed numbers, as some old programs made it."""
    high = sum(byte > 127 for byte in block) - sum(byte > 127 for byte in block[148:156])
    return _sum(block) - 256 * high


def _number(field: bytes) -> int | None:
    if field[0] & _LARGE:
        # Negative numbers are no sizes.
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:]) if field[0] == _LARGE else None
    try:
        number = int(field.partition(b"\0")[0].strip() or b"0", 8)
    except ValueError:
        return None
    return number if number >= 0 else None


def is_extended(block: bytes, is_first: bool) -> bool:
    """Return whether a block with the holes of a sparse file is followed by another one."""
    return bool(block[482 if is_first else 504])


def padded(size: int) -> int:
    """Return the bytes that a content fills in the file."""
    return -(-size // BLOCK) * BLOCK


def records(content: bytes) -> dict[bytes, bytes] | None:
    """Return the records of a PAX header by key; None if they are damaged."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(content) and content[at]:
        digits = content[at : at + _LONGEST_NUMBER].partition(b" ")[0]
        size = int(digits) if digits.isdigit() else 0
        record = content[at : at + size]
        key, sign, value = record[len(digits) + 1 :].partition(b"=")
        if len(record) < size or not sign or not value.endswith(b"\n"):
            return None
        found[key] = value[:-1]
        at += size
    return found


class Meta:
    """What the headers before a member say of it."""

    def __init__(self) -> None:
        self._name: bytes | None = None
        self._records: Mapping[bytes, bytes] = {}
        self.is_damaged = False

    def add(self, header: Header, content: bytes) -> None:
        """Take the content of one of these headers."""
        if header.kind == _LONG_NAME:
            self._name = content.partition(b"\0")[0]
        elif header.kind in _EXTENDED:
            given = records(content)
            self.is_damaged |= given is None
            self._records = {**self._records, **(given or {})}

    @property
    def is_sparse(self) -> bool:
        """Whether the member is a sparse file of PAX."""
        return any(key.startswith(b"GNU.sparse.") for key in self._records)

    def applied(self, header: Header) -> Header:
        """Return the header of the member with these values."""
        if self._name is None and not self._records:
            return header
        given = self._records
        path = given.get(b"GNU.sparse.name") or given.get(b"path", b"").rstrip(b"/")
        name = path or self._name or header.name
        size = given.get(b"size", b"")
        kind = SPARSE if self.is_sparse and header.is_file else header.kind
        if size.isdigit() and len(size) < _LONGEST_NUMBER and kind not in _WITHOUT_CONTENT:
            return Header(name, int(size), kind)
        return Header(name, header.size, kind)
