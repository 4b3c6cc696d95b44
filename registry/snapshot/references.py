"""Whether the tables of a snapshot fit together (pure): rows that point to rows that are there.

A snapshot may come from anywhere. A number past the end of a table would end the check
with a fault of ours, a negative one would take another row's marks.
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


def fault(tables: Mapping[str, pa.Table]) -> tuple[str, str] | None:
    """Return the file at fault and what is wrong with it, or None."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for name, table in tables.items():
        try:
            table.validate(full=True)
        except pa.ArrowInvalid:
            return name, "its values are not of their kinds"
        for column in NEVER_NULL.get(name, ()):
            if table[column].null_count:
                return name, f"its column {column} has gaps"
    for (name, column), target in POINTERS.items():
        rows = tables[target].num_rows
        least, most = pc.min_max(tables[name][column]).as_py().values()
        if least is not None and not 0 <= least <= most < rows:
            return name, f"its column {column} points to rows that are not in {target}"
    return None
