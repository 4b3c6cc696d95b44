"""`crawler suspect`: visits that found much less than before, and what to make of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from registry.cli._table import table
from registry.terminal import say, show, show_json
from registry.text import number_of

if TYPE_CHECKING:
    from registry.db.held import Suspect

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group("suspect")
def command() -> None:
    """Show visits that found too little, and accept them."""


@command.command("list")
@_JSON
def list_command(as_json: bool) -> int:
    """List the suspect visits that no later one has judged.

    A visit is suspect if much of what was there before is missing, more than the site's own
    history explains. What it adds counts; what it takes back is held. The next visits find
    out: one that finds everything again ends the doubt.

    Exit codes: 0 there are none; 1 there are.

    \b
    Example:
        crawler suspect list
    """
    from registry.db import held
    from registry.db.connect import connect

    with connect() as conn:
        found = held.suspects(conn)
    if as_json:
        show_json({"visits": [_json(one) for one in found]}, indent=2)
    elif found:
        rows = [
            {
                "visit": str(one.id),
                "ended (UTC)": f"{one.finished_at:%Y-%m-%d %H:%M}",
                "held": f"{one.held:,}",
                "site": one.start_url,
                "why": "; ".join(one.suspicions.values()),
            }
            for one in found
        ]
        title = number_of(len(rows), "suspect visit")
        show(*table(title, rows, most=len(rows)).split("\n"))
    else:
        say("no visit is suspect")
    return 1 if found else 0


@command.command("accept")
@click.argument("named", metavar="VISIT|SITE...", nargs=-1, required=True)
@_JSON
def accept_command(named: tuple[str, ...], as_json: bool) -> None:
    """Accept suspect visits: what they take back counts. All of them or none.

    A visit is named by its number, or by the start URL or host of its site. Marks that it did not
    find any more are recorded as removed, pictures as gone.

    \b
    Example:
        crawler suspect accept gallery.example
    """
    from crawler.record.judging import accept
    from registry.db.connect import connect

    with connect() as conn:
        accepted = accept(conn, named)
    if as_json:
        show_json({"visits": [_json(one) for one in accepted]}, indent=2)
        return
    for one in accepted:
        show(f"accepted  visit {one.id} of {one.start_url}: {one.held:,} held readings count")


def _json(one: Suspect) -> dict[str, Any]:
    return {
        "id": one.id,
        "spider": one.spider,
        "start_url": one.start_url,
        "host": one.host,
        "extent": one.extent,
        "started_at": one.started_at.isoformat(),
        "finished_at": one.finished_at.isoformat(),
        "suspicions": dict(one.suspicions),
        "held": one.held,
    }
