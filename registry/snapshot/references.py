"""Validates the references between the tables of a snapshot, and its times (pure).

A snapshot may come from anywhere. A row number past the end of a table would crash the
check, a negative one would give the marks of another row, and a time of the year 10,000
cannot be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

# By file and column: the file to whose rows it refers.
POINTERS = {
    ("views.arrow", "image"): "images.arrow",
    ("entries.arrow", "image"): "images.arrow",
    ("entries.arrow", "signals"): "signals.arrow",
    ("entries.arrow", "rules"): "signals.arrow",
    ("signals.arrow", "shape"): "signals.arrow",
}
# Columns without nulls.
NEVER_NULL = {
    "views.arrow": ("image", "view", "phash64", "phash256"),
    "entries.arrow": ("entry", "source", "signals", "since", "seen"),
    "signals.arrow": ("signals", "shape"),
    "sites.arrow": ("entry", "host", "kind", "source", "signals", "since", "seen"),
    "evidence.arrow": ("record", "digest"),
}

TIMES = dict.fromkeys(("entries.arrow", "sites.arrow"), ("since", "seen"))
# Range of Python's datetime, in microseconds since 1970.
FIRST_TIME, LAST_TIME = -62_135_596_800_000_000, 253_402_300_799_999_999


def fault(tables: Mapping[str, pa.Table]) -> tuple[str, str] | None:
    """Return the faulty file and its fault, or None."""
    import pyarrow as pa

    for name, table in tables.items():
        try:
            table.validate(full=True)
        except pa.ArrowInvalid:
            return name, "its values do not fit its types"
        for column in NEVER_NULL.get(name, ()):
            if table[column].null_count:
                return name, f"its column {column} has nulls"
        for column in TIMES.get(name, ()):
            if not _within(table[column].cast(pa.int64()), FIRST_TIME, LAST_TIME):
                return name, f"its column {column} has times out of range"
    for (name, column), target in POINTERS.items():
        if name in tables and not _within(tables[name][column], 0, tables[target].num_rows - 1):
            return name, f"its column {column} refers to rows that are not in {target}"
    return None


def _within(column: pa.ChunkedArray, first: int, last: int) -> bool:
    """Return whether all values are between two bounds, inclusive; nulls count as such."""
    import pyarrow.compute as pc

    least, most = pc.min_max(column).as_py().values()
    return least is None or first <= least <= most <= last
