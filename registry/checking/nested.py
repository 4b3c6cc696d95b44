"""Nested columns as flat ones: members of structs, and elements of lists (pure).

A column `info` of structs becomes `info.url`, `info.width`, ...; a list of structs becomes a list
for each member; lists in lists become one list. Lists of numbers stay as they are: pixels,
embeddings. A struct with the bytes of a picture is one value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.checking.file_points import is_list
from registry.checking.strays import is_binary, is_text, plain, plain_type

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Most elements of a list that are looked up as keys of their row, and most values of a batch
# that their columns have together.
MOST_ELEMENTS, MOST_VALUES = 1000, 1 << 22
_DEEPEST = 8


def is_picture(kind: pa.DataType) -> bool:
    """Return whether a type is a struct with the bytes of a file."""
    if not pa.types.is_struct(kind) or kind.get_field_index("bytes") == -1:
        return False
    return is_binary(plain_type(kind.field("bytes").type))


def flat_fields(schema: pa.Schema) -> dict[str, str]:
    """Return the names of the flat columns of a schema, each with that of its column."""
    roots = {field.name: field.name for field in schema}
    for field in schema:
        names = list(_names(field.name, field.type, 0))
        if names != [field.name] and not any(name in roots for name in names):
            del roots[field.name]
            roots |= dict.fromkeys(names, field.name)
    return roots


def flat(batch: pa.RecordBatch, roots: Mapping[str, str]) -> pa.RecordBatch:
    """Return a batch with flat columns, of which `roots` has the names and their columns."""
    columns: dict[str, pa.Array] = {}
    for name in batch.schema.names:
        column = batch.column(name)
        parts = dict(_flat(name, column, 0)) if pa.types.is_nested(column.type) else {}
        is_flat = bool(parts) and all(roots.get(part) == name for part in parts)
        columns |= parts if is_flat else {name: column}
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def elements(column: pa.Array) -> tuple[list[pa.Array], NDArray[np.bool_]]:
    """Return the elements of lists: the first of each row as a column, the second, and so on.

    Also a mask of the rows with more elements than there are columns. A column of other values
    is its only element.
    """
    if not is_list(column.type):
        return [column], np.zeros(len(column), bool)
    lengths, starts, values = _parts(column)
    allowed = min(MOST_ELEMENTS, max(MOST_VALUES // max(len(column), 1), 1))
    most = min(int(lengths.max(initial=0)), allowed)
    columns = [
        values.take(pa.array(starts + place, mask=lengths <= place)) for place in range(most)
    ]
    return columns, lengths > most


def _names(name: str, kind: pa.DataType, depth: int) -> Iterator[str]:
    kind = plain_type(kind)
    if pa.types.is_map(kind):
        kind = pa.list_(_entries(kind))
    if depth == _DEEPEST or not _holds_texts(kind) or is_picture(kind):
        yield name
    elif pa.types.is_struct(kind):
        for field in kind.fields:
            yield from _names(f"{name}.{field.name}", field.type, depth + 1)
    elif is_list(kind):
        inner = plain_type(kind.value_type)
        yield from _names(name, inner, depth + 1)
    else:
        yield name


def _flat(name: str, column: pa.Array, depth: int) -> Iterator[tuple[str, pa.Array]]:
    column = plain(column)
    kind = column.type
    if pa.types.is_map(kind):
        column = column.cast(pa.list_(_entries(kind)))
        kind = column.type
    if depth == _DEEPEST or not _holds_texts(kind) or is_picture(kind):
        yield name, column
    elif pa.types.is_struct(kind):
        for field, part in zip(kind.fields, column.flatten(), strict=True):
            yield from _flat(f"{name}.{field.name}", part, depth + 1)
    elif is_list(kind):
        lengths, starts, values = _parts(column)
        for inner_name, inner in _flat(name, values, depth + 1):
            yield inner_name, _listed(lengths, starts, inner)
    else:
        yield name, column


def _listed(
    lengths: NDArray[np.int64], starts: NDArray[np.int64], values: pa.Array
) -> pa.LargeListArray:
    """Return lists of values; of values that are lists themselves, the joined ones."""
    ends = np.append(starts, starts[-1:] + lengths[-1:]) if len(starts) else np.zeros(1, np.int64)
    if is_list(values.type):
        inner, first, values = _parts(values)
        ends = np.append(first, first[-1:] + inner[-1:])[ends] if len(inner) else ends * 0
    return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), values)


def _parts(column: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64], pa.Array]:
    """Return the lengths of lists, where each starts in the values of all, and these values."""
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    lengths = lengths.astype(np.int64)
    starts: NDArray[np.int64] = np.cumsum(lengths) - lengths
    return lengths, starts, plain(column.flatten())


def _entries(kind: pa.MapType) -> pa.DataType:
    return pa.struct([("key", kind.key_type), ("value", kind.item_type)])


def _holds_texts(kind: pa.DataType) -> bool:
    """Return whether texts or bytes can be in a value of a type."""
    kind = plain_type(kind)
    if pa.types.is_map(kind):
        return True
    if pa.types.is_struct(kind):
        return any(_holds_texts(field.type) for field in kind.fields)
    if is_list(kind):
        return _holds_texts(kind.value_type)
    return is_text(kind) or is_binary(kind)
