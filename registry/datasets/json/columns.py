"""Elements of a JSON array or object as columns (pure)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from registry.datasets.json.rows import NO_OBJECT, Row, in_columns, inferred, one_by_one, parsed
from registry.datasets.json.shapes import Shape
from registry.datasets.json.stream import Elements
from registry.datasets.text.csv_form import column_name

_KEY = "key"
# As in CSV without column names.
_ALONE = column_name(0).encode()


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of elements; `key` is the one of their names, if these are members.

    `alone`: the values are no objects, and are in a column without a name.
    """

    values: pa.Schema
    key: str | None = None
    alone: bool = False

    @property
    def schema(self) -> pa.Schema:
        """All columns."""
        keys = [] if self.key is None else [pa.field(self.key, pa.string())]
        return pa.schema([*keys, *self.values])

    def batch(self, block: Elements) -> pa.RecordBatch:
        """Return some elements as a batch."""
        read = _alone(block) if self.alone else _read(block, self.key is not None)
        batch = None
        if read.rows is None:
            batch = in_columns(b"\n".join(read.lines), self.values, len(read.lines))
        if batch is None:
            batch = one_by_one(read.parsed(), self.values)
        if self.key is None:
            return batch
        return batch.add_column(0, self.key, pa.array(read.names, pa.string()))


def columns_of(block: Elements, shape: Shape) -> Columns | None:
    """Return the columns of some elements; None if none of them is of the shape."""
    named, alone = shape == "objects", shape == "values"
    read = _alone(block) if alone else _read(block, named)
    rows = read.parsed()
    if not any(isinstance(row, dict) for row in rows):
        return None
    values = inferred(b"\n".join(read.lines), rows)
    key = _KEY
    while key in values.names:
        key = "_" + key
    return Columns(values, key if named else None, alone)


class _Read(NamedTuple):
    """The names of elements, and their values: objects in one line each, or as rows."""

    names: list[str | None]
    lines: list[bytes]
    rows: list[Row | str] | None = None

    def parsed(self) -> list[Row | str]:
        return parsed(self.lines) if self.rows is None else self.rows


def _read(block: Elements, named: bool) -> _Read:
    if block.unread:
        return _Read([None], [], [block.unread])
    ordinary = block.are_ordinary(named)
    if not named:
        return _Read([], block.lines()) if ordinary else _Read([], [], parsed(block.texts()))
    if ordinary:
        names, values = block.members()
        try:
            return _Read(list(map(_name, names)), values)
        except (ValueError, RecursionError):
            pass
    pairs = [_member(text) for text in block.texts()]
    return _Read([name for name, _ in pairs], [], [row for _, row in pairs])


def _alone(block: Elements) -> _Read:
    """Read elements as objects with one member."""
    if block.unread:
        return _Read([], [], [block.unread])
    return _Read([], [b'{"%b":%b}' % (_ALONE, text) for text in block.lines()])


def _name(text: bytes) -> str:
    """Return the name of a member. Raises ValueError."""
    if text[:1] + text[-1:] == b'""' and len(text) > 1 and not {*text[1:-1]} & {*b'"\\'}:
        return text[1:-1].decode()
    name = json.loads(text)
    if not isinstance(name, str):
        raise ValueError("not a name")
    return name


def _member(text: bytes) -> tuple[str | None, Row | str]:
    """Return the name and the value of a member; why it cannot be read, if it is no object."""
    (row,) = parsed([b"{%b}" % text])
    if isinstance(row, str) or len(row) != 1:
        return None, row if isinstance(row, str) else NO_OBJECT
    ((name, value),) = row.items()
    return name, value if isinstance(value, dict) else NO_OBJECT
