"""Tables for people: aligned columns under a title."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from registry.text import visible

SHOWN = 20


def table(title: str, rows: Iterable[Mapping[str, Any]], most: int = SHOWN) -> str:
    """Return a titled table, text left-aligned, numbers right-aligned; "" without rows.

    `most` rows are shown, and the number of the others. Control characters are escaped.
    """
    rows = list(rows)
    if not rows:
        return ""
    names = list(rows[0])
    lines = [[name.replace("_", " ") for name in names]]
    lines += [[_cell(row[name]) for name in names] for row in rows[:most]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numeric = [isinstance(rows[0][name], int) for name in names]
    text = [title]
    for line in lines:
        cells = zip(line, widths, numeric, strict=True)
        text.append("  " + "  ".join(_padded(*cell) for cell in cells).rstrip())
    if len(rows) > most:
        text.append(f"  and {len(rows) - most} more (--json shows all)")
    return "\n".join(text)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else visible(str(value))


def _padded(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)
