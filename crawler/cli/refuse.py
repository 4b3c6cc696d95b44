"""`crawler refuse`: say which hosts are never visited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from registry.cli._table import table
from registry.errors import UsageError
from registry.terminal import say, show, show_json
from registry.text import number_of

if TYPE_CHECKING:
    from collections import Counter

    from registry.db.hosts import RefusedHost

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_HOSTS = click.argument("named", metavar="HOST|URL...", nargs=-1, required=True)


@click.group("refuse")
def command() -> None:
    """Say which hosts are never visited."""


@command.command("add")
@_HOSTS
@click.option("--reason", required=True, help="Why: kept, and shown where the host is met.")
@_JSON
def add(named: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Never visit these hosts and their subdomains.

    They get no more requests, neither for pages nor for images; visits in progress stop with
    their next request. A host that is on the list keeps its first reason. Marks recorded
    before stay recorded.

    \b
    Example:
        crawler refuse add gallery.example --reason "asked by the owner"
    """
    from crawler.owners.hosts import NO_REASON, reason_text, refusable_host
    from crawler.record.refused import refuse_hosts
    from registry.db import hosts
    from registry.db.connect import connect

    names = list(dict.fromkeys(map(refusable_host, named)))
    text = reason_text(reason)
    if text == NO_REASON:
        raise UsageError("--reason is empty", "say why, such as: asked by the owner")
    with connect() as conn, conn.transaction():
        new = set(refuse_hosts(conn, names, text))
        listed = {one.name: one for one in hosts.refused_hosts(conn, names)}
        schedules = hosts.schedules_below(conn)
    if as_json:
        results = [
            {"result": "added" if name in new else "unchanged"} | _json(listed[name], schedules)
            for name in names
        ]
        show_json({"results": results}, indent=2)
        return
    for name in names:
        kept = f" (refused already: {listed[name].reason})"
        what = f"added     {name}" if name in new else f"unchanged {name}{kept}"
        show(what + _not_visited(schedules[name]))


@command.command("list")
@_JSON
def list_command(as_json: bool) -> int:
    """List the hosts that are never visited, with the reason and who added them.

    Added by `page` and an address: the sender of the form of `crawler owners`. The schedules
    are those of the host and its subdomains; they are not visited.

    Exit codes: 0 hosts are listed; 1 there are none.

    \b
    Example:
        crawler refuse list
    """
    from registry.db import hosts
    from registry.db.connect import connect

    with connect() as conn:
        refused = hosts.refused_hosts(conn)
        schedules = hosts.schedules_below(conn)
    if as_json:
        show_json({"hosts": [_json(one, schedules) for one in refused]}, indent=2)
    elif refused:
        rows = [
            {
                "host": one.name,
                "since (UTC)": f"{one.added_at:%Y-%m-%d %H:%M}",
                "schedules": schedules[one.name],
                "added by": one.added_by,
                "reason": one.reason,
            }
            for one in refused
        ]
        title = number_of(len(rows), "refused host")
        show(*table(title, rows, most=len(rows)).split("\n"))
    else:
        say("no host is refused")
    return 0 if refused else 1


@command.command("remove")
@_HOSTS
@_JSON
def remove(named: tuple[str, ...], as_json: bool) -> None:
    """Take hosts off the list, so that they are visited again; all of them or none."""
    from crawler.owners.hosts import named_host
    from crawler.record.refused import allow_hosts
    from registry.db.connect import connect

    names = list(dict.fromkeys(map(named_host, named)))
    with connect() as conn, conn.transaction():
        allow_hosts(conn, names)
    if as_json:
        show_json({"results": [{"host": n, "result": "removed"} for n in names]}, indent=2)
        return
    for name in names:
        show(f"removed   {name}")


def _not_visited(schedules: int) -> str:
    if not schedules:
        return ""
    return f"; {schedules:,} schedule{'s are' if schedules > 1 else ' is'} not visited"


def _json(refused: RefusedHost, schedules: Counter[str]) -> dict[str, Any]:
    return {
        "host": refused.name,
        "reason": refused.reason,
        "added_by": refused.added_by,
        "added_at": refused.added_at.isoformat(),
        "schedules": schedules[refused.name],
    }
