"""Rows of JSON objects in columns (pure).

The types of the columns are those of the first rows. A later value of another type, or in a field
that the first rows lack, is kept as JSON text in a hidden column, so that a check searches it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json as pj

from registry.datasets.hidden import MORE, with_unread

Row = dict[str, Any]
NO_OBJECT = "not a JSON object"
# Values of a row that are each looked up on their own; the rest is searched as one text.
MOST_LEAVES = 32
# Deeper values are no rows of a dataset, and Arrow may crash at them.
_DEEP, _MOST_LEVELS = "nested too deeply", 100
_LF = ord("\n")
_STEPS = np.zeros(256, np.int8)
_STEPS[[*b"[{"]] = 1
_STEPS[[*b"]}"]] = -1


def inferred(data: bytes, rows: Sequence[Row | str]) -> pa.Schema:
    """Return the columns of some lines, and of the same rows read one by one."""
    try:
        if _may_be_deep(data, len(rows)):
            raise pa.ArrowInvalid(_DEEP)
        schema = pj.read_json(pa.BufferReader(data), _whole(data)).schema
    except (pa.ArrowException, OSError):
        schema = _schema_of([row for row in rows if not isinstance(row, str)])
    kinds = [pa.uint64() if _are_wide(field, rows) else _settled(field.type) for field in schema]
    return pa.schema(list(zip(schema.names, kinds, strict=True)))


def _are_wide(field: pa.Field, rows: Sequence[Row | str]) -> bool:
    """Return whether a column that seems to be of fractions holds integers of 64 bits."""
    if not pa.types.is_float64(field.type):
        return False
    values = [row.get(field.name) for row in rows if not isinstance(row, str)]
    return all(value is None or (type(value) is int and 0 <= value < 1 << 64) for value in values)


def in_columns(data: bytes, schema: pa.Schema, rows: int) -> pa.RecordBatch | None:
    """Return lines as a batch if all are objects of the schema's types; None if they are not."""
    if _may_be_deep(data, rows):
        return None
    options = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer")
    try:
        table = pj.read_json(pa.BufferReader(data), _whole(data), options)
    except (pa.ArrowException, OSError):
        return None
    if table.num_rows != rows:
        return None
    table = table.combine_chunks()
    columns = [_whole_column(table, field) for field in schema]
    more = [n for n in table.column_names if n not in schema.names]
    more += [f.name for f in schema if table.field(f.name).type != f.type]
    if any(column is None for column in columns):
        return None
    batch = pa.RecordBatch.from_arrays(columns, schema=schema)
    if not more:
        return batch
    return batch.append_column(MORE, _as_json(table.select(more).to_pylist()))


def one_by_one(rows: Sequence[Row | str], schema: pa.Schema) -> pa.RecordBatch:
    """Return rows as a batch; a text among them is the reason why a row cannot be read."""
    objects = [row for row in rows if not isinstance(row, str)]
    more: list[Row] = [
        {name: value for name, value in row.items() if name not in schema.names} for row in objects
    ]
    columns = []
    for field in schema:
        values = [row.get(field.name) for row in objects]
        column, misfits = _column(values, field.type)
        columns.append(column)
        for place in misfits:
            more[place][field.name] = values[place]
    batch = pa.RecordBatch.from_arrays(columns, schema=schema)
    if any(more):
        batch = batch.append_column(MORE, _as_json(more))
    unread = {place: row for place, row in enumerate(rows) if isinstance(row, str)}
    return with_unread(batch, len(rows), unread)


def parsed(lines: Iterable[bytes]) -> list[Row | str]:
    """Return the object of each line, or why it cannot be read."""
    return [_parsed(line) for line in lines]


def _parsed(line: bytes) -> Row | str:
    try:
        value = loaded(line)
    except UnicodeDecodeError:
        return "not UTF-8"
    except NotRead as error:
        return str(error)
    if _may_be_deep(line, 1) and _is_deep(value):
        return _DEEP
    return value if isinstance(value, dict) else NO_OBJECT


class NotRead(ValueError):
    """A JSON text cannot be read; the message says why."""


def loaded(text: bytes) -> Any:
    """Return the value of a JSON text. Raises NotRead, and UnicodeDecodeError.

    An object in which a member occurs twice is not read: other readers take either of them.
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError as error:
        raise NotRead(_DEEP) from error
    except (NotRead, UnicodeDecodeError):
        raise
    except ValueError as error:
        raise NotRead(f"not JSON: {error}") from error


def _object(members: list[tuple[str, Any]]) -> Row:
    row = dict(members)
    if len(row) < len(members):
        raise NotRead("a member of an object occurs twice")
    return row


def _may_be_deep(data: bytes, rows: int) -> bool:
    """Return whether a line has too many levels of brackets, of which some may be in texts."""
    if data.count(b"{") + data.count(b"[") <= rows + _MOST_LEVELS:
        return False
    content = np.frombuffer(data, np.uint8)
    steps = _STEPS[content]
    places = np.flatnonzero((steps != 0) | (content == _LF))
    levels = np.cumsum(steps[places], dtype=np.int64)
    starts = np.flatnonzero(content[places[:-1]] == _LF) + 1
    starts = np.concatenate([[0], starts])
    before = np.where(starts > 0, levels[starts - 1], 0)
    return bool((np.maximum.reduceat(levels, starts) - before > _MOST_LEVELS).any())


def _is_deep(value: Any) -> bool:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(_MOST_LEVELS + 1):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [one for values in inner for one in values if isinstance(one, dict | list)]
    return bool(level)


def leaves(rows: pa.Array) -> list[pa.Array]:
    """Return the texts and numbers in rows of JSON text as columns of texts.

    The first column has the first one of each row, and so on; the last one has the rest, as
    one JSON text.
    """
    texts = [_leaves(json.loads(row)) if row else [] for row in rows.to_pylist()]
    parts = [
        [row[place] if place < len(row) else None for row in texts]
        for place in range(min(max(map(len, texts), default=0), MOST_LEAVES))
    ]
    rest = [row[MOST_LEAVES:] for row in texts]
    if any(rest):
        parts.append([json.dumps(values) if values else None for values in rest])
    return [pa.array(part, pa.large_string()) for part in parts]


def _leaves(value: Any) -> list[str]:
    """Return the texts and numbers in a JSON value; one that is a key of an object is none."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict | list):
            waiting += reversed([*one.values()] if isinstance(one, dict) else one)
        elif isinstance(one, str | int) and not isinstance(one, bool):
            found.append(str(one))
    return found


def _whole(data: bytes) -> pj.ReadOptions:
    return pj.ReadOptions(use_threads=False, block_size=len(data) + 1)


def _whole_column(table: pa.Table, field: pa.Field) -> pa.Array | None:
    """Return a column in the type of its field; None if it cannot be cast."""
    chunks = table.column(field.name).chunks
    column = chunks[0] if chunks else pa.nulls(table.num_rows, field.type)
    if column.type == field.type:
        return column
    try:
        return column.cast(field.type)
    except pa.ArrowException:
        return None


def _schema_of(objects: Sequence[Row]) -> pa.Schema:
    names = dict.fromkeys(name for row in objects for name in row if _is_unicode(name))
    return pa.schema([(name, _type_of([row.get(name) for row in objects])) for name in names])


def _is_unicode(name: str) -> bool:
    # JSON may escape half of a surrogate pair.
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _type_of(values: Sequence[Any]) -> pa.DataType:
    try:
        return pa.array(values).type
    except (pa.ArrowException, OverflowError, UnicodeError):
        return pa.string()


def _settled(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column, of which the first rows may not show the final one.

    A text that looks like a time remains a text; nothing but nulls will be texts.
    """
    if pa.types.is_null(kind) or pa.types.is_temporal(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_settled(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, _settled(f.type)) for f in kind.fields])
    return kind


def _column(values: list[Any], kind: pa.DataType) -> tuple[pa.Array, list[int]]:
    """Return values in a type, and the places of those that do not fit it (or not wholly)."""
    try:
        column = pa.array(values, kind)
    except (pa.ArrowException, OverflowError, UnicodeError, ValueError):
        pass
    else:
        # Arrow leaves out members that a struct does not have.
        own = column.to_pylist() if pa.types.is_nested(kind) else values
        return column, [place for place, value in enumerate(values) if own[place] != value]
    fitting: list[Any] = []
    misfits: list[int] = []
    for place, value in enumerate(values):
        try:
            pa.array([value], kind)
        except (pa.ArrowException, OverflowError, UnicodeError, ValueError):
            misfits.append(place)
            fitting.append(None)
        else:
            fitting.append(value)
    return pa.array(fitting, kind), misfits


def _as_json(rows: Sequence[Row]) -> pa.Array:
    """Return rows as JSON texts; null for those without a value."""
    return pa.array([as_text(row) for row in rows], pa.large_string())


def as_text(row: Row) -> str | None:
    """Return a row as JSON text; None if it has no value."""
    if not any(value is not None for value in row.values()):
        return None
    return json.dumps(row, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()
