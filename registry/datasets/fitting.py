"""Columns of several tables in common types (pure)."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from registry.datasets.hidden import HIDDEN, UNREAD


def united(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """Return the columns of all schemas, each in a type that takes the values of all if one does.

    Otherwise it has the type of the first schema with this column.
    """
    fields: dict[str, pa.Field] = {}
    for schema in schemas:
        for field in schema:
            # Rows that cannot be read are nulls.
            held = fields.setdefault(field.name, field.with_nullable(True))
            if field.type != held.type:
                fields[field.name] = held.with_type(_common(held.type, field.type))
    return pa.schema(fields.values(), schemas[0].metadata)


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    schemas = [pa.schema([("x", kind)]) for kind in (one, other)]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        pass
    # Numbers in one file and texts in another, or texts in a dictionary.
    return pa.large_string() if _fits_text(one) and _fits_text(other) else one


def _fits_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return is_text(kind) or bool(pa.types.is_primitive(kind))


def is_text(kind: pa.DataType) -> bool:
    """Return whether a type is text, also in a dictionary."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    is_plain = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return bool(is_plain or pa.types.is_string_view(kind))


def fitted(batch: pa.RecordBatch, names: Sequence[str], schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with the columns `names` in the types of a schema, then its hidden columns.

    A row with a value that the type of its column cannot take is one that could not be read.
    """
    fields = [schema.field(name) for name in names if name not in HIDDEN]
    if [(field.name, field.type) for field in batch.schema] == [(f.name, f.type) for f in fields]:
        return batch
    own = set(batch.schema.names)
    columns = []
    for field in fields:
        column = batch.column(field.name) if field.name in own else None
        cast = None if column is None else _cast(column, field.type)
        if column is not None and cast is None and column.null_count < len(column):
            batch = _with_doubt(batch, column, f"column {field.name}: {column.type} here")
        columns.append(pa.nulls(len(batch), field.type) if cast is None else cast)
    hidden = [name for name in batch.schema.names if name in HIDDEN]
    fields += [batch.schema.field(name) for name in hidden]
    columns += [batch.column(name) for name in hidden]
    if not columns:
        return batch
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields, schema.metadata))


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Return a column in another type; None if there is no cast."""
    if column.type == kind:
        return column
    try:
        # Not checked: a number that is large loses its last digits, as in one file of that type.
        return column.cast(kind, safe=False)
    except pa.ArrowException:
        return None


def _with_doubt(batch: pa.RecordBatch, column: pa.Array, why: str) -> pa.RecordBatch:
    """Return a batch whose rows with a value in a column have a reason why they were not read."""
    reasons = pc.if_else(column.is_valid(), why, pa.scalar(None, pa.string()))
    if UNREAD not in batch.schema.names:
        return batch.append_column(UNREAD, reasons)
    place = batch.schema.get_field_index(UNREAD)
    return batch.set_column(place, UNREAD, pc.coalesce(batch.column(UNREAD), reasons))
