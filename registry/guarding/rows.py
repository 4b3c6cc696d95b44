"""Rows as dictionaries in columns (pure).

The types of the columns are those of a schema, or of the first rows. A later value of another type,
or in a column that the first rows lack, is kept as JSON text in a hidden column, so that a check
searches it. A row with bytes in such a place cannot be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from registry.checking.nested import is_picture
from registry.checking.strays import is_binary, plain_type
from registry.datasets.hidden import HIDDEN, UNREAD
from registry.datasets.json.rows import one_by_one
from registry.guarding.values import plain_value
from registry.text import visible

_NEW = "bytes in a column that had none in the first rows"
_TAKEN = "a name that this program uses itself"
# A schema must have a field.
_NOTHING = pa.schema([("\0", pa.string())])


class RowShape:
    """The columns of rows."""

    label: str | None = None

    def __init__(self, schema: pa.Schema) -> None:
        fields = [field.with_type(_settled(field.type)) for field in schema]
        self.schema = pa.schema([one.with_nullable(True) for one in fields] or _NOTHING)

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> RowShape:
        """Return the columns of the first rows."""
        plain = [{str(k): plain_value(v, []) for k, v in row.items()} for row in rows]
        names = dict.fromkeys(name for row in plain for name in row if name not in HIDDEN)
        return cls(pa.schema([(name, _type_of([r.get(name) for r in plain])) for name in names]))

    def batch(self, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
        """Return rows as a batch, with hidden columns where needed."""
        unread: dict[int, str] = {}
        taken = []
        for number, row in enumerate(rows):
            notes: list[str] = []
            taken.append(self._row(row, notes))
            if notes:
                unread[number] = notes[0]
        batch = one_by_one(taken, self.schema)
        if not unread:
            return batch
        reasons = [unread.get(number) for number in range(len(rows))]
        return batch.append_column(UNREAD, pa.array(reasons, pa.string()))

    def _row(self, row: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
        taken = {}
        for key, value in row.items():
            name, why = str(key), list[str]()
            plain = plain_value(value, why)
            place = self.schema.get_field_index(name)
            kind = None if place < 0 else self.schema.field(place).type
            if name in HIDDEN:
                why.append(_TAKEN)
            elif _has_bytes(plain) and (kind is None or not _takes_bytes(kind)):
                why.append(_NEW)
            else:
                taken[name] = _whole(plain, kind)
            notes += [f"{visible(name)}: {one}" for one in why]
        return taken


def _whole(value: Any, kind: pa.DataType | None) -> Any:
    """Return the value of a struct with all of its members."""
    if kind is None or not pa.types.is_struct(kind):
        return value
    if isinstance(value, bytes) and is_picture(kind):
        value = {"bytes": value}
    if isinstance(value, dict):
        return {**{field.name: None for field in kind.fields}, **value}
    return value


def _type_of(values: Sequence[Any]) -> pa.DataType:
    try:
        return pa.array(values).type
    except (pa.ArrowException, OverflowError, UnicodeError, ValueError):
        return pa.string()


def _settled(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column, of which the first rows may have held only nulls."""
    kind = plain_type(kind)
    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_settled(kind.value_type))
    if pa.types.is_struct(kind):
        members = [
            pa.field(
                one.name,
                pa.binary()
                if one.name == "bytes" and pa.types.is_null(one.type)
                else _settled(one.type),
            )
            for one in kind.fields
        ]
        return pa.struct(members)
    return kind


def _has_bytes(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_bytes, value.values()))
    if isinstance(value, list):
        kinds = set(map(type, value))
        return bytes in kinds or (bool(kinds & {list, dict}) and any(map(_has_bytes, value)))
    return isinstance(value, bytes)


def _takes_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        return any(_takes_bytes(kind.field(n).type) for n in range(kind.num_fields))
    return is_binary(kind)
