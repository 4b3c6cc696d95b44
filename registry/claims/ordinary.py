"""Claims of a table in columns: of the rows that are ordinary in every column. Pure.

`claim_from_row` decides what a row says. A row is ordinary if its claim is certain without it:
every value is empty, or of the usual form and already spelled as the claim has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from registry.claims.column_values import parsed
from registry.claims.column_views import Mask, not_null
from registry.claims.columns import KEYS


@dataclass(frozen=True, slots=True)
class ClaimColumns:
    """Claims by field: text as strings, hashes as bytes, sides as int32, times in UTC.

    Text has no control characters. Null and absent columns are fields without
    a value in the table: there a claim has its default.
    """

    count: int
    columns: Mapping[str, pa.Array]


def split(columns: Mapping[str, pa.Array], count: int) -> tuple[ClaimColumns, Mask]:
    """Return the claims of the ordinary rows, and which of the `count` rows these are."""
    ordinary = np.ones(count, np.bool_)
    values: dict[str, pa.Array] = {}
    for name, array in columns.items():
        certain, column = parsed(name, array)
        ordinary &= certain
        if column.null_count < count:
            values[name] = column
    ordinary &= _complete(values, count)
    if not ordinary.all():
        mask = pa.array(ordinary)
        values = {name: column.filter(mask) for name, column in values.items()}
    return ClaimColumns(int(ordinary.sum()), values), ordinary


def _complete(values: Mapping[str, pa.Array], count: int) -> Mask:
    """Return which rows have a key, and a site if they have a path pattern."""
    complete = np.zeros(count, np.bool_)
    for key in KEYS:
        if key in values:
            complete |= not_null(values[key])
    if "path_pattern" in values:
        with_site = not_null(values["site"]) if "site" in values else np.zeros(count, np.bool_)
        complete &= with_site | ~not_null(values["path_pattern"])
    return complete
