"""`registry stats`: counts of the recorded data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from registry.terminal import show, show_json
from registry.text import visible

if TYPE_CHECKING:
    from datetime import datetime

    from registry.db.stats import Stats

SHOWN = 20
EMPTY = "nothing recorded yet; `crawler run URL` or `registry import FILE`"
NAMES = {
    "sites": "sites visited",
    "visits": "visits",
    "observations": "observations",
    "images": "images",
    "unfit_images": "images unfit for fingerprints",
    "evidence": "pieces of evidence",
    "site_rules": "site rules read",
    "claims": "claims",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def command(as_json: bool) -> None:
    """Count the recorded data by site, signal and freshness."""
    from datetime import UTC, datetime

    from registry.db.connect import connect
    from registry.db.stats import stats
    from registry.db.visits import mark_killed

    with connect() as conn:
        mark_killed(conn)
        counted = stats(conn, datetime.now(UTC))
    if as_json:
        show_json(asdict(counted), default=_iso)
    else:
        show(*([EMPTY] if counted.is_empty() else _text(counted).split("\n")))


def _iso(value: datetime) -> str:
    return value.isoformat()


def _text(counted: Stats) -> str:
    totals = asdict(counted.totals)
    parts = [
        _table("totals", [{"": name, "count": totals[key]} for key, name in NAMES.items()]),
        _table("by site", [_dated(site) for site in counted.sites]),
        _table("by signal (ever read on an image or its page)", counted.signals),
        _table("refused", counted.refusals),
        _table("claims", counted.claims),
    ]
    if counted.sites:
        ages = [{"last visit within": a, "sites": n} for a, n in counted.freshness.items() if n]
        parts.append(_table("freshness", ages))
    return "\n\n".join(part for part in parts if part)


def _dated(site: Mapping[str, Any]) -> dict[str, Any]:
    return {**site, "last_visit": f"{site['last_visit']:%Y-%m-%d %H:%M}"}


def _table(title: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a titled table, text left-aligned, numbers right-aligned; "" without rows."""
    rows = list(rows)
    if not rows:
        return ""
    names = list(rows[0])
    lines = [[name.replace("_", " ") for name in names]]
    lines += [[_cell(row[name]) for name in names] for row in rows[:SHOWN]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numeric = [isinstance(rows[0][name], int) for name in names]
    text = [title]
    for line in lines:
        cells = zip(line, widths, numeric, strict=True)
        text.append("  " + "  ".join(_padded(*cell) for cell in cells).rstrip())
    if len(rows) > SHOWN:
        text.append(f"  and {len(rows) - SHOWN} more (--json shows all)")
    return "\n".join(text)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else visible(str(value))


def _padded(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)
