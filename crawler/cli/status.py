"""`crawler status`: how the scheduled sites and the workers are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crawler.cli._options import Seconds
from registry.cli._table import table
from registry.terminal import show, show_json, show_screen, wait

if TYPE_CHECKING:
    import psycopg

# Most sites that are shown; --json has all.
MOST_SITES = 40


@click.command("status")
@click.argument("site", metavar="[SITE]...", nargs=-1)
@click.option("--watch", is_flag=True, help="Show it again and again, until Ctrl-C.")
@click.option(
    "--seconds",
    default=5.0,
    show_default=True,
    type=Seconds(0.1, 3600),
    help="With --watch: seconds from one look to the next.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object each time.")
def command(site: tuple[str, ...], watch: bool, seconds: float, as_json: bool) -> int:
    """Show how the scheduled sites are, and who visits them.

    Of each site: its state, its last visit, the next one, the pages, pictures and marks that
    are known of it and how their numbers changed in 30 days, the largest part of a limit that the
    last visit used, and the errors of that visit by kind. Those that need a look come first.
    SITE is the number, start URL, host or spider of schedules.

    Exit codes: 0 sites are shown; 1 none is scheduled.

    \b
    Example:
        crawler status --watch
    """
    from crawler.cli.schedule import schedule_ids
    from registry.db.connect import connect

    with connect() as conn:
        ids = schedule_ids(conn, site) if site else None
        while True:
            number = _show(conn, ids, as_json=as_json, every=seconds if watch else None)
            if not watch:
                return 0 if number else 1
            wait(seconds)


def _show(
    conn: psycopg.Connection, ids: list[int] | None, *, as_json: bool, every: float | None
) -> int:
    """Show all of it once; return the number of sites."""
    from crawler.report import status as report
    from registry.db import status, visits
    from registry.db.hosts import refusals_of
    from registry.db.schedules import now as database_time
    from registry.urls.key import hostname_of

    visits.mark_killed(conn)
    now = database_time(conn)
    states = status.site_states(conn, ids)
    listed = refusals_of(conn, {hostname_of(one.start_url) for one in states})
    refused = {one.host for one in states if hostname_of(one.start_url) in listed}
    lines = report.in_order([report.site_line(one, now, refused) for one in states])
    hosts = None if ids is None else {one.host for one in states}
    workers, events = status.workers_alive(conn), status.recent_events(conn, hosts)
    if as_json:
        show_json(report.as_json(lines, workers, events), indent=None if every else 2)
        return len(lines)
    text = report.summary(lines, workers, events, now)
    if every:
        text[0] += f"    {now:%Y-%m-%d %H:%M:%S} UTC, every {every:g} s"
    if lines:
        text += table("", report.rows(lines, now), most=MOST_SITES).split("\n")[1:]
    for one in lines:
        for said in one.suspicions.values() if one.what == "suspect" else ():
            text.append(f"suspect: visit {one.last_visit} of {one.host}: {said}")
    (show_screen if every else show)(*text)
    return len(lines)
