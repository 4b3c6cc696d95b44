"""From a dataset to the plan of a check: describes the columns by types and first rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from registry.checking.address_columns import MIN_SHARE, share_of_addresses
from registry.checking.column_plan import choose
from registry.checking.columns import Column, Columns, Kind
from registry.checking.strays import plain

if TYPE_CHECKING:
    from registry.datasets import Dataset

SAMPLE = 200
# Sampled rows of a nested column, and most texts and bytes taken from them.
NESTED_ROWS, LEAVES = 20, 400
# Characters (or bytes) of a value that are used.
LONGEST = 2048


def plan(dataset: Dataset, overrides: Mapping[str, Sequence[str]] | None = None) -> Columns:
    """Recognise the columns of a dataset from its schema and its first rows."""
    kinds = ("string", "binary", "nested")
    names = [f.name for f in dataset.schema if kind_of(f.type) in kinds or _is_wide(f.type)]
    sample = next(dataset.batches(names), None) if names else None
    return choose([_column(field, sample) for field in dataset.schema], overrides)


def kind_of(kind: pa.DataType) -> Kind:
    """Return the kind of values of an Arrow type."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "string"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "binary"
    if pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind):
        return "binary"
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") != -1:
        return "picture" if kind_of(kind.field("bytes").type) == "binary" else "nested"
    return "nested" if pa.types.is_nested(kind) else "other"


def _column(field: pa.Field, sample: pa.RecordBatch | None) -> Column:
    kind = kind_of(field.type)
    values: Sequence[str] = ()
    if sample is not None and field.name in sample.schema.names:
        column = plain(sample.column(field.name))
        values = _values(column, kind)
        if (
            kind == "binary"
            and share_of_addresses(texts := _texts(column, is_text=True)) > MIN_SHARE
        ):
            kind, values = "string", texts
    return Column(field.name, kind, str(field.type), tuple(values))


def _is_wide(kind: pa.DataType) -> bool:
    """Return whether a type is that of 64-bit integers, which can be fingerprints."""
    return bool(pa.types.is_int64(kind) or pa.types.is_uint64(kind))


def _values(column: pa.Array, kind: Kind) -> list[str]:
    if kind == "nested":
        return _leaves(column)
    if kind == "other":
        return [str(number) for number in column.drop_null().slice(0, SAMPLE).to_pylist()]
    return _texts(column, kind == "string")


def _texts(column: pa.Array, is_text: bool) -> list[str]:
    """Return the first values as text, bytes as hex, each cut to LONGEST."""
    cut = [value[:LONGEST] for value in _bytes(column).drop_null().slice(0, SAMPLE).to_pylist()]
    return [v.decode("utf-8", "replace").strip() if is_text else v.hex() for v in cut]


def _bytes(column: pa.Array) -> pa.Array:
    """Return texts or bytes as bytes, so that invalid UTF-8 raises no error."""
    if pa.types.is_large_string(column.type):
        return column.cast(pa.large_binary())
    return column.cast(pa.binary())


def _leaves(column: pa.Array) -> list[str]:
    """Return the texts and bytes (as hex) in the first rows of a nested column."""
    try:
        rows = column.slice(0, NESTED_ROWS).to_pylist()
    except (UnicodeDecodeError, ValueError, OverflowError):
        return []
    texts: list[str] = []
    for value in _walked(rows):
        cut = value[:LONGEST]
        texts.append(cut.hex() if isinstance(cut, bytes) else cut.strip())
        if len(texts) >= LEAVES:
            break
    return texts


def _walked(value: Any) -> Iterator[str | bytes]:
    if isinstance(value, str | bytes):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _walked(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _walked(part)
