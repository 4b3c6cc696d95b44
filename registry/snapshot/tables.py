"""Makes the tables of segments from single rows. Pure."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from registry.snapshot.format import schema_of


def table(kind: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Return the table of a kind, given its rows by the names of the columns."""
    schema = schema_of(kind)
    plain = pa.schema(
        (f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in schema
    )
    return pa.Table.from_pylist(rows, plain)
