"""`crawler events`: show what changed, as visits found it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from registry.errors import UsageError
from registry.terminal import say, show, show_json, wait

if TYPE_CHECKING:
    import psycopg

    from registry.db.event_rows import EventKind, Places

# Without --since and --after, the events of the last days are shown.
DEFAULT_SINCE = "7d"
# Seconds between two looks for new events.
FOLLOW_SECONDS = 2.0


@click.command()
@click.argument("named", metavar="[HOST|URL]...", nargs=-1)
@click.option(
    "--since",
    metavar="TIME",
    help="The least age or date: 12h, 7d, 2026-11-20, 2026-11-20T08:00 (UTC).  [default: 7d]",
)
@click.option(
    "--after", type=click.IntRange(0, 2**63 - 1), metavar="ID", help="Only events after this."
)
@click.option("--kind", "kinds", metavar="KIND", multiple=True, help="Only events of this kind.")
@click.option("--follow", is_flag=True, help="Wait for further events, until it is stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event.")
def command(
    named: tuple[str, ...],
    since: str | None,
    after: int | None,
    kinds: tuple[str, ...],
    follow: bool,
    as_json: bool,
) -> int:
    """Show what changed from one visit to the next: marks and pictures.

    Of all sites, or of those named: by host, with its port if the site has one, or by start URL. A
    URL may also be that of a page, an image or a site file: its own events are shown.

    Kinds: mark-appeared, mark-changed, mark-removed, picture-new, picture-replaced,
    picture-gone (the host says 404 or 410), picture-back, picture-stale (not seen in
    three visits). The first visit of a site is what later ones are compared with, and
    gives no events.

    A program that is to see every event once passes the id of the last one as
    --after: ids grow in the order in which events can be read.

    \b
    Exit codes: 0 there are events; 1 there are none.

    \b
    Examples:
        crawler events --since 7d
        crawler events --after 1250 --kind mark-appeared --follow --json
    """
    from registry.db.connect import connect

    least = None
    if since is not None or after is None:
        least = _moment(DEFAULT_SINCE if since is None else since)
    places, wanted = _places(named), _kinds(kinds)
    last = 0
    with connect() as conn:
        while True:
            now = _show(conn, max(last, after or 0), least, places, wanted, as_json=as_json)
            last = max(last, now)
            if not follow:
                break
            wait(FOLLOW_SECONDS)
    if not last and not as_json:
        say("no events")
    return 0 if last else 1


def _show(
    conn: psycopg.Connection,
    after: int,
    since: datetime | None,
    places: Places | None,
    kinds: Collection[EventKind] | None,
    *,
    as_json: bool,
) -> int:
    """Show the events after an id; return the id of the last one, 0 without any."""
    from registry.cli._events import event_json, event_lines, marks_there
    from registry.db.events import events

    last = 0
    for batch in events(conn, after=after, since=since, places=places, kinds=kinds):
        marks = marks_there(conn, batch)
        if as_json:
            for event in batch:
                show_json(event_json(event, marks))
        else:
            show(*event_lines(batch, marks))
        last = batch[-1].id
    return last


def _moment(text: str) -> datetime:
    """Return the time that an age or a date names."""
    from crawler.schedule.durations import duration

    try:
        return datetime.now(UTC) - duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--since {text!r} is neither an age nor a date", "write it as 7d or 2026-11-20"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _kinds(names: tuple[str, ...]) -> list[EventKind] | None:
    from registry.db.event_rows import EVENT_KINDS

    for name in names:
        if name not in EVENT_KINDS:
            raise UsageError(f"{name!r} is no kind of event", f"one of {', '.join(EVENT_KINDS)}")
    return [kind for kind in EVENT_KINDS if kind in names] or None


def _places(names: tuple[str, ...]) -> Places | None:
    """Return the hosts and URLs that are named; None without names. Raises UsageError."""
    from urllib.parse import urlsplit

    from registry.db.event_rows import Places
    from registry.urls.absolute import absolute
    from registry.urls.hosts import spelled_authority
    from registry.urls.key import host_of

    hosts, urls = list[str](), list[str]()
    for name in names:
        url = absolute(name, name) if "//" in name else None
        host = host_of(url) if url else spelled_authority(name, "https")
        if not host:
            raise UsageError(f"{name} is no site", "write it as gallery.example")
        if url and urlsplit(url)[2:] not in (("", "", ""), ("/", "", "")):
            urls.append(url)
        else:
            hosts.append(host)
    return Places(hosts, urls) if names else None
