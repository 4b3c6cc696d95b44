"""`registry stats`: counts of the recorded data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from registry.cli._table import table
from registry.terminal import show, show_json

if TYPE_CHECKING:
    from datetime import datetime

    from registry.db.stats import Stats

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
        table("totals", [{"": name, "count": totals[key]} for key, name in NAMES.items()]),
        table("by site", [_dated(site) for site in counted.sites]),
        table("by signal (ever read on an image or its page)", counted.signals),
        table("refused", counted.refusals),
        table("claims", counted.claims),
    ]
    if counted.sites:
        ages = [{"last visit within": a, "sites": n} for a, n in counted.freshness.items() if n]
        parts.append(table("freshness", ages))
    return "\n\n".join(part for part in parts if part)


def _dated(site: Mapping[str, Any]) -> dict[str, Any]:
    return {**site, "last_visit": f"{site['last_visit']:%Y-%m-%d %H:%M}"}
