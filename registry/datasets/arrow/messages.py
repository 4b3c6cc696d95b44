"""The messages of Arrow IPC: where each begins and ends, and how many rows it has (pure).

Arrow reads messages one after another and stops at the first that is damaged. With the places
of all messages the others are still read, and with its head the rows of a damaged one are known.
The layouts are those of Message.fbs and File.fbs of Apache Arrow, in FlatBuffers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

# The start of a file and its end; the start of an older format, Feather 1.
MAGIC, FEATHER_1 = b"ARROW1", b"FEA1"
# Where the first message of a file begins.
FIRST: Final = 8
SCHEMA, DICTIONARY, BATCH = 1, 2, 3
# A damaged head may claim any number of rows. Compressed, a byte may hold so many.
_ROWS_IN_BYTE, _FEW_ROWS, _MOST_ROWS = 8192, 1 << 20, (1 << 31) - 1
_CONTINUED = b"\xff\xff\xff\xff"
_CODECS = {0: "lz4", 1: "zstd"}
# Sizes in a footer: of its own size and MAGIC at the end, of one place of a message.
_END, _BLOCK = 10, 24


class Data(Protocol):
    """The bytes of a file: in memory, or read where they are asked for."""

    def __len__(self) -> int:
        """Return their number."""

    def __getitem__(self, part: slice) -> memoryview:
        """Return some that follow one another."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its bytes, from `start` to `end`, and what its head says.

    `dictionary`: the number of its dictionary; `is_delta`: it appends to it.
    """

    kind: int
    start: int
    end: int
    rows: int = 0
    codec: str | None = None
    dictionary: int = 0
    is_delta: bool = False

    @property
    def is_believable(self) -> bool:
        """Whether it may have as many rows as it claims."""
        most = _FEW_ROWS + _ROWS_IN_BYTE * (self.end - self.start)
        return 0 <= self.rows <= min(most, _MOST_ROWS)


def message_at(data: Data, start: int) -> Message | None:
    """Return the message at a place; None at the end of the messages.

    Raises ValueError for one that is damaged or cut off.
    """
    prefix = bytes(data[start : start + 8])
    continued = prefix.startswith(_CONTINUED)
    size_at = 4 if continued else 0
    if not prefix or prefix[size_at : size_at + 4] == bytes(4):
        return None
    if len(prefix) < size_at + 4:
        raise ValueError("cut off")
    size = int.from_bytes(prefix[size_at : size_at + 4], "little", signed=True)
    body = start + size_at + 4 + size
    if size < 0 or body > len(data):
        raise ValueError("a message is damaged or cut off")
    head = _Table.root(data[start + size_at + 4 : body])
    end = body + head.number(3, "q")
    if not body <= end <= len(data):
        raise ValueError("a message is damaged or cut off")
    return _message(head, start, end)


def messages_from(data: Data, start: int) -> Iterator[Message]:
    """Yield the messages from a place on; raise ValueError at one that is damaged or cut off."""
    while message := message_at(data, start):
        yield message
        start = message.end


def blocks(data: Data) -> tuple[list[int], list[int]] | None:
    """Return where the dictionaries and the record batches of a file begin, as its end says.

    None: the file has no whole end.
    """
    if len(data) < FIRST + _END or bytes(data[-len(MAGIC) :]) != MAGIC:
        return None
    size = int.from_bytes(data[-_END : -len(MAGIC)], "little", signed=True)
    if not 0 < size <= len(data) - FIRST - _END:
        return None
    try:
        footer = _Table.root(data[-_END - size : -_END])
        return footer.offsets(2), footer.offsets(3)
    except ValueError:
        return None


def _message(head: _Table, start: int, end: int) -> Message:
    kind = head.number(1, "B")
    content = head.table(2)
    if kind not in (DICTIONARY, BATCH) or content is None:
        return Message(kind, start, end)
    number, is_delta = 0, False
    if kind == DICTIONARY:
        number, is_delta = content.number(0, "q"), bool(content.number(2, "B"))
        content = content.table(1) or content
    packed = content.table(3)
    codec = None if packed is None else _CODECS.get(packed.number(0, "b"))
    return Message(kind, start, end, content.number(0, "q"), codec, number, is_delta)


class _Table:
    """A table of FlatBuffers. All methods raise ValueError for invalid data."""

    def __init__(self, data: memoryview, at: int) -> None:
        self._data, self._at = data, at
        self._slots = at - self._value(at, "i")
        self._size = self._value(self._slots, "H")

    @classmethod
    def root(cls, data: memoryview) -> _Table:
        """Return the table that some bytes are about."""
        try:
            (at,) = struct.unpack_from("<I", data)
        except struct.error as error:
            raise ValueError("cut off") from error
        return cls(data, at)

    def number(self, field: int, kind: str) -> int:
        """Return a number; 0 if it is not given."""
        at = self._place(field)
        return 0 if at is None else self._value(at, kind)

    def table(self, field: int) -> _Table | None:
        """Return a table within this one."""
        at = self._place(field)
        return None if at is None else _Table(self._data, at + self._value(at, "I"))

    def offsets(self, field: int) -> list[int]:
        """Return the first number of each Block in a list of them."""
        at = self._place(field)
        if at is None:
            return []
        at += self._value(at, "I")
        count = self._value(at, "I")
        if at + 4 + count * _BLOCK > len(self._data):
            raise ValueError("a list longer than the data")
        return [self._value(at + 4 + number * _BLOCK, "q") for number in range(count)]

    def _place(self, field: int) -> int | None:
        slot = 4 + 2 * field
        if slot + 2 > self._size:
            return None
        offset = self._value(self._slots + slot, "H")
        return self._at + offset if offset else None

    def _value(self, at: int, kind: str) -> int:
        if at < 0:
            raise ValueError("a place before the data")
        try:
            (value,) = struct.unpack_from("<" + kind, self._data, at)
        except struct.error as error:
            raise ValueError("a place behind the data") from error
        return int(value)
