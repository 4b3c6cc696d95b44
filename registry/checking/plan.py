"""From a dataset to the plan of a check: describes the columns by types and first rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from registry.checking.address_columns import MIN_SHARE, share_of_addresses
from registry.checking.column_plan import choose, fits
from registry.checking.columns import Column, Columns, Kind
from registry.checking.file_points import is_list
from registry.checking.nested import flat, flat_fields, is_picture
from registry.checking.strays import is_binary, is_text, plain, plain_type
from registry.datasets.layouts import candidates

if TYPE_CHECKING:
    from registry.datasets import Dataset

SAMPLE = 200
# Characters (or bytes) of a value that are used.
LONGEST = 2048


def plan(dataset: Dataset, overrides: Mapping[str, Sequence[str]] | None = None) -> Columns:
    """Recognise the columns of a dataset from its schema and its first rows."""
    names = [field.name for field in dataset.schema if _is_sampled(field.type)]
    sample = next(dataset.batches(names), None) if names else None
    return planned(dataset.schema, sample, overrides)


def planned(
    schema: pa.Schema,
    sample: pa.RecordBatch | None,
    overrides: Mapping[str, Sequence[str]] | None = None,
) -> Columns:
    """Recognise columns from a schema and the first rows; `sample` may lack columns of numbers."""
    roots = flat_fields(schema)
    none = flat(_without_rows(schema), roots)
    first = none if sample is None else flat(sample, roots)
    columns = [
        _column(field, first.column(field.name) if field.name in first.schema.names else None)
        for field in none.schema
    ]
    known = (one for one in candidates([c.name for c in columns]) if fits(columns, one))
    layout = next(known, None)
    chosen = choose(columns, overrides, layout)
    return replace(chosen, roots=roots, layout=layout.name if layout else "")


def _without_rows(schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.array([], plain_type(field.type)) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema.names)


def kind_of(kind: pa.DataType) -> Kind:
    """Return the kind of values of an Arrow type; of a list of texts or bytes that of these."""
    kind = plain_type(kind)
    if is_text(kind):
        return "string"
    if is_binary(kind):
        return "binary"
    if is_picture(kind):
        return "picture"
    if is_list(kind) and (inner := kind_of(kind.value_type)) in ("string", "binary", "picture"):
        return inner
    return "nested" if pa.types.is_nested(kind) else "other"


def _column(field: pa.Field, column: pa.Array | None) -> Column:
    kind = kind_of(field.type)
    values: Sequence[str] = ()
    if column is not None:
        column = plain(column)
        if is_list(column.type) and kind != "nested":
            column = plain(column.slice(0, SAMPLE).flatten())
        values = _values(column, kind)
        if (
            kind == "binary"
            and share_of_addresses(texts := _texts(column, is_text=True)) > MIN_SHARE
        ):
            kind, values = "string", texts
    return Column(field.name, kind, str(field.type), tuple(values))


def _is_sampled(kind: pa.DataType) -> bool:
    return kind_of(kind) != "other" or _is_wide(kind)


def _is_wide(kind: pa.DataType) -> bool:
    """Return whether a type is that of 64-bit integers, which can be fingerprints."""
    return bool(pa.types.is_int64(kind) or pa.types.is_uint64(kind))


def _values(column: pa.Array, kind: Kind) -> list[str]:
    if kind == "other":
        return [str(number) for number in column.drop_null().slice(0, SAMPLE).to_pylist()]
    return _texts(column, kind == "string") if kind in ("string", "binary") else []


def _texts(column: pa.Array, is_text: bool) -> list[str]:
    """Return the first values as text, bytes as hex, each cut to LONGEST."""
    cut = [value[:LONGEST] for value in _bytes(column).drop_null().slice(0, SAMPLE).to_pylist()]
    return [v.decode("utf-8", "replace").strip() if is_text else v.hex() for v in cut]


def _bytes(column: pa.Array) -> pa.Array:
    """Return texts or bytes as bytes, so that invalid UTF-8 raises no error."""
    if pa.types.is_large_string(column.type):
        return column.cast(pa.large_binary())
    return column.cast(pa.binary())
