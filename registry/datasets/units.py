"""Units of a dataset (pure): parts that one worker checks together, of nearly the same size.

The same dataset always has the same units, whoever checks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Most rows, and bytes of files, of a unit of several parts.
UNIT_ROWS, UNIT_BYTES = 1 << 20, 1 << 28
# Most parts of a table: each opens its file.
MOST_PARTS = 256


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one table: `rows` from the row `first` on; None: all that follow."""

    table: int
    first: int = 0
    rows: int | None = None


Unit = Sequence[Part]


def parts_of(table: int, starts: Sequence[int]) -> Iterator[Part]:
    """Yield the parts of a table, given the rows after the first at which reading can start."""
    used = [0, *starts][:: -(-(len(starts) + 1) // MOST_PARTS)]
    for start, end in zip(used, [*used[1:], None], strict=True):
        yield Part(table, start, None if end is None else end - start)


def units_of(parts: Sequence[Part], sizes: Sequence[tuple[int | None, int]]) -> list[list[Part]]:
    """Return parts, given in their order, in units.

    `sizes` are the rows (None: unknown) and the bytes of each table.
    """
    units: list[list[Part]] = []
    filled = 0.0
    for part in parts:
        share = _share(part, *sizes[part.table])
        if not units or filled + share > 1:
            units.append([])
            filled = 0.0
        units[-1].append(part)
        filled += share
    return units


def _share(part: Part, rows: int | None, size: int) -> float:
    """Return the share of a unit that a part is; more than 1 for a larger one."""
    if not rows:
        return size / UNIT_BYTES
    own = rows - part.first if part.rows is None else part.rows
    return max(own / UNIT_ROWS, size / UNIT_BYTES * own / rows)
