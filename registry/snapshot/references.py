"""Whether the tables of a snapshot fit together (pure): rows that point to rows that are there.

A snapshot may come from anywhere. A number past the end of a table would end the check
with a fault of ours, a negative one would take another row's marks, and a time of the
year 10,000 cannot be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

# File and column: the file whose rows it numbers.
POINTERS = {
    ("views.arrow", "image"): "images.arrow",
    ("entries.arrow", "image"): "images.arrow",
    ("entries.arrow", "signals"): "signals.arrow",
    ("entries.arrow", "rules"): "signals.arrow",
    ("signals.arrow", "shape"): "signals.arrow",
}
# What a build always writes.
NEVER_NULL = {
    "views.arrow": ("image", "view", "phash64", "phash256"),
    "entries.arrow": ("entry", "source", "signals", "since", "seen"),
    "signals.arrow": ("signals", "shape"),
    "sites.arrow": ("entry", "host", "kind", "source", "signals", "since", "seen"),
}

TIMES = dict.fromkeys(("entries.arrow", "sites.arrow"), ("since", "seen"))
# What Python's own times hold, in microseconds since 1970.
FIRST_TIME, LAST_TIME = -62_135_596_800_000_000, 253_402_300_799_999_999


def fault(tables: Mapping[str, pa.Table]) -> tuple[str, str] | None:
    """Return the file at fault and what is wrong with it, or None."""
    import pyarrow as pa

    for name, table in tables.items():
        try:
            table.validate(full=True)
        except pa.ArrowInvalid:
            return name, "its values are not of their kinds"
        for column in NEVER_NULL.get(name, ()):
            if table[column].null_count:
                return name, f"its column {column} has gaps"
        for column in TIMES.get(name, ()):
            if not _within(table[column].cast(pa.int64()), FIRST_TIME, LAST_TIME):
                return name, f"its column {column} holds times that cannot be"
    for (name, column), target in POINTERS.items():
        if not _within(tables[name][column], 0, tables[target].num_rows - 1):
            return name, f"its column {column} points to rows that are not in {target}"
    return None


def _within(column: pa.ChunkedArray, first: int, last: int) -> bool:
    """Tell whether all values lie between two bounds, both included; nulls do."""
    import pyarrow.compute as pc

    least, most = pc.min_max(column).as_py().values()
    return least is None or first <= least <= most <= last
