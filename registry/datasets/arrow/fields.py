"""Arrow columns in types that a check and Parquet take (pure).

An IPC file may have columns of types that few functions know: views, run-end encoding, unions.
They are read as plain texts, bytes and lists; what has no plain type, as JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_PLAIN_VIEWS = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
_JSON = pa.large_string()
# In the names of types.
_VIEW, _LIST_VIEW, _DICTIONARY = "view", "list_view", "dictionary"
_FITS = Callable[[pa.DataType], bool]


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return a schema whose columns have plain types."""
    fields = [field.with_type(_plain_column(field.type)) for field in schema]
    return pa.schema(fields, schema.metadata)


def plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the rows of a batch in plain types."""
    schema = plain_schema(batch.schema)
    if schema.equals(batch.schema):
        return batch
    pairs = zip(batch.columns, schema, strict=True)
    columns = [_as_plain(column, field.type) for column, field in pairs]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def filtered(batch: pa.RecordBatch, keep: pa.Array) -> pa.RecordBatch:
    """Return some rows of a batch in its own types, without the bytes of the others."""
    columns = [_filtered(column, keep) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def compact(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose views have their bytes in one place."""
    if not any(_VIEW in str(field.type) for field in batch.schema):
        return batch
    return filtered(batch, pa.repeat(True, len(batch)))


def _filtered(column: pa.Array, keep: pa.Array) -> pa.Array:
    kind = str(column.type)
    ways = [_by_arrow]
    if _VIEW in kind and not pa.types.is_dictionary(column.type):
        # Filtered by Arrow, views would keep the bytes of all rows.
        ways = [_by_plain_type] if _LIST_VIEW not in kind else []
        ways += [_by_values] if _DICTIONARY not in kind else []
    for way in ways:
        with suppress(pa.ArrowNotImplementedError):
            return way(column, keep)
    return _by_runs(column, keep)


def _by_arrow(column: pa.Array, keep: pa.Array) -> pa.Array:
    return column.filter(keep)


def _by_plain_type(column: pa.Array, keep: pa.Array) -> pa.Array:
    return column.cast(_plain(column.type) or column.type).filter(keep).cast(column.type)


def _by_values(column: pa.Array, keep: pa.Array) -> pa.Array:
    rows = pc.indices_nonzero(keep).to_pylist()
    return pa.array([column[row].as_py() for row in rows], column.type)


def _by_runs(column: pa.Array, keep: pa.Array) -> pa.Array:
    rows = pc.indices_nonzero(keep).to_pylist()
    return pa.concat_arrays([column.slice(0, 0), *(column.slice(row, 1) for row in rows)])


def _plain_column(kind: pa.DataType) -> pa.DataType:
    """Return the plain type of a column."""
    if pa.types.is_run_end_encoded(kind):
        return _plain_column(kind.value_type)
    if pa.types.is_dictionary(kind):
        values = _plain(kind.value_type)
        if values is None or pa.types.is_nested(values):
            return _plain_column(kind.value_type)
        return pa.dictionary(kind.index_type, values, kind.ordered)
    return _plain(kind) or _JSON


def _as_plain(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    if isinstance(column, pa.ExtensionArray):
        return _as_plain(column.storage, kind)
    if pa.types.is_run_end_encoded(column.type):
        rows = np.arange(column.offset, column.offset + len(column))
        runs = np.searchsorted(column.run_ends.to_numpy(), rows, "right")
        return _as_plain(column.values, kind).take(pa.array(runs))
    if pa.types.is_dictionary(column.type):
        return _plain_dictionary(column, kind)
    if kind != _JSON or pa.types.is_string_view(column.type):
        return _in_type(column, kind)
    return pa.array(map(_json, column.to_pylist()), kind)


def _plain_dictionary(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if not pa.types.is_dictionary(kind):
        return _as_plain(column.dictionary, kind).take(column.indices)
    values = _as_plain(column.dictionary, kind.value_type)
    return pa.DictionaryArray.from_arrays(column.indices, values, ordered=kind.ordered)


def _in_type(column: pa.Array, kind: pa.DataType) -> pa.Array:
    # Arrow's cast of views of lists gives invalid arrays.
    if _LIST_VIEW in str(column.type):
        return pa.array(column.to_pylist(), kind)
    return column.cast(kind)


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _plain(kind: pa.DataType) -> pa.DataType | None:
    """Return the plain type of values, also of those within others; None if there is none."""
    if kind in _PLAIN_VIEWS:
        return _PLAIN_VIEWS[kind]
    if isinstance(kind, pa.BaseExtensionType):
        storage = _plain(kind.storage_type)
        return kind if storage == kind.storage_type else storage
    if pa.types.is_dictionary(kind):
        return kind if _plain(kind.value_type) == kind.value_type else None
    if pa.types.is_nested(kind):
        return _plain_nested(kind)
    return None if pa.types.is_interval(kind) else kind


def _plain_nested(kind: pa.DataType) -> pa.DataType | None:
    fields = [kind.field(number) for number in range(kind.num_fields)]
    inner = [_plain(field.type) for field in fields]
    made = next((make for fits, make in _NESTED if fits(kind)), None)
    if made is None or not all(inner) or not inner:
        return None
    return made(kind, [f.with_type(one) for f, one in zip(fields, inner, strict=True)])


_NESTED: tuple[tuple[_FITS, Callable[[pa.DataType, list[pa.Field]], pa.DataType]], ...] = (
    (pa.types.is_struct, lambda kind, inner: pa.struct(inner)),
    (pa.types.is_map, lambda kind, inner: pa.map_(*inner[0].type.fields, kind.keys_sorted)),
    (pa.types.is_list, lambda kind, inner: pa.list_(inner[0])),
    (pa.types.is_large_list, lambda kind, inner: pa.large_list(inner[0])),
    (pa.types.is_list_view, lambda kind, inner: pa.list_(inner[0])),
    (pa.types.is_large_list_view, lambda kind, inner: pa.large_list(inner[0])),
    (pa.types.is_fixed_size_list, lambda kind, inner: pa.list_(inner[0], kind.list_size)),
)
