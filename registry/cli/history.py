"""`registry history`: the dated readings of one picture, URL, page or site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from registry.cli._claims import claim_json, claim_text
from registry.cli._database import refuse_without_database
from registry.cli._events import event_json, event_lines, marks_there, quoted
from registry.terminal import show, show_json
from registry.text import visible

if TYPE_CHECKING:
    import psycopg

    from registry.cli._events import Marks
    from registry.db.claims import StoredClaim
    from registry.db.event_rows import Event as SiteEvent
    from registry.lookups.history import History
    from registry.snapshot.changes import Event

# Most places, files and claims shown; most lines of each.
SHOWN = 20
SHOWN_LINES = 30
NO_DATABASE = "this machine has no registry database, and a snapshot has no history"
NO_DATABASE_HINT = (
    "set REGISTRY_DATABASE_URL, or see current and latest earlier marks with "
    "`registry lookup TARGET --snapshot FOLDER`"
)
WORDS = {
    "seen": "seen",
    "refused": "refused",
    "picture": "picture",
    "mark": "mark appeared",
    "changed": "mark changed",
    "went": "mark removed",
}


@click.command()
@click.argument("target", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per target.")
def command(target: tuple[str, ...], as_json: bool) -> int:
    """Show the recorded history of an image, page or site.

    TARGET is an image file, the URL of an image or a page, 16 hex digits (phash64),
    64 (phash256 or sha256) or 32 (md5), or a host, for its site files and for the
    events of its visits. Marks that appeared, changed or were removed are shown
    with their exact text; consecutive readings without a change share one line.
    The command reads the database, not a snapshot, and fetches nothing.

    \b
    Exit codes: 0 something is recorded; 1 nothing is recorded; 2 wrong usage;
    3 there is no database; 4 a file is unreadable.

    \b
    Example:
      registry history https://gallery.example/works/tiger.jpg
    """
    from registry.db.connect import connect
    from registry.lookups.history import history, target_kind

    for name in target:
        target_kind(name)  # report a wrong target before any work
    refuse_without_database(NO_DATABASE, NO_DATABASE_HINT)
    code = 1
    with connect() as conn:
        for name in target:
            readings = history(conn, name)
            code = code if readings.is_empty else 0
            events = Events(conn, readings)
            if as_json:
                show_json(_json(readings, events))
            else:
                show(*_text(readings, events))
    return code


class Events:
    """The events of a site's visits; none for other targets."""

    def __init__(self, conn: psycopg.Connection, readings: History) -> None:
        self._conn = conn
        self._host = readings.host

    def lines(self) -> list[str]:
        """Return them as text."""
        lines: list[str] = []
        for batch, marks in self._batches():
            lines += event_lines(batch, marks, with_site=False)
        return lines

    def json(self) -> list[dict[str, Any]]:
        """Return them as JSON."""
        return [event_json(event, marks) for batch, marks in self._batches() for event in batch]

    def _batches(self) -> Iterator[tuple[list[SiteEvent], Marks]]:
        from registry.db.event_rows import Places
        from registry.db.events import events

        if self._host:
            for batch in events(self._conn, places=Places([self._host])):
                yield batch, marks_there(self._conn, batch)


def _text(readings: History, events: Events) -> Iterator[str]:
    if readings.is_empty:
        yield f"{visible(readings.target)} ({readings.kind}): nothing recorded"
        return
    yield f"{visible(readings.target)} ({readings.kind})"
    for place in readings.places[:SHOWN]:
        page = f" on {visible(place.page_url)}" if place.page_url else ""
        yield f"  {visible(place.url)}{page}"
        yield from _lines([_line(event) for event in place.events])
    yield from _more(len(readings.places), "places")
    files = [file for file in readings.files if readings.kind == "site" or _has_marks(file.events)]
    for file in files[:SHOWN]:
        yield f"  {file.kind} of {file.host}: {visible(file.url)}"
        yield from _lines([_line(event) for event in file.events])
    yield from _more(len(files), "files")
    if lines := events.lines():
        yield "  events"
        yield from _lines([f"    {line}" for line in lines])
    if readings.claims:
        yield "  claims"
        yield from _lines([line for claim in readings.claims for line in _claim(claim)])


def _has_marks(events: Sequence[Event]) -> bool:
    """Return whether a rules file ever held a mark that applies to the target."""
    return any(event.what not in {"seen", "refused"} for event in events)


def _more(count: int, unit: str) -> Iterator[str]:
    if count > SHOWN:
        yield f"  and {count - SHOWN} more {unit} (--json shows all)"


def _lines(lines: Sequence[str]) -> Iterator[str]:
    """Yield the first and last lines, and the number of lines between them."""
    half = SHOWN_LINES // 2
    if len(lines) <= SHOWN_LINES:
        yield from lines
        return
    yield from lines[:half]
    yield f"    ... {len(lines) - 2 * half} more lines (--json shows all)"
    yield from lines[-half:]


def _line(event: Event) -> str:
    when = f"{event.first:%Y-%m-%d %H:%M}"
    return f"    {when}  {WORDS[event.what]:<13}  {_details(event)}".rstrip()


def _details(event: Event) -> str:
    if event.what in {"seen", "refused"}:
        reason = [visible(event.text)] if event.text else []
        if event.count > 1:
            reason.append(f"{event.count} readings to {event.last:%Y-%m-%d %H:%M}")
        return ", ".join(reason)
    if event.what == "picture":
        return f"sha256 {event.text}" + (f", replaced {event.before}" if event.before else "")
    before = f"{quoted(event.before)} -> " if event.before else ""
    place = f"  at {visible(event.url)}" if event.url else ""
    return f"{', '.join(map(visible, event.names))}: {before}{quoted(event.text)}{place}"


def _claim(stored: StoredClaim) -> Iterator[str]:
    yield from (f"    {line}" for line in claim_text(stored))
    if stored.claim.evidence:
        yield f"        text        {quoted(stored.claim.evidence)}"


def _json(readings: History, events: Events) -> dict[str, Any]:
    from dataclasses import asdict

    content = asdict(readings)
    for part in (*content["places"], *content["files"]):
        part["events"] = [_event_json(event) for event in part["events"]]
    content["claims"] = [claim_json(claim) for claim in readings.claims]
    if content.pop("host"):
        content["events"] = events.json()
    return content


def _event_json(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event without the fields that its kind does not have."""
    kept = {name: value for name, value in event.items() if value not in ("", ())}
    if event["what"] not in {"seen", "refused"}:
        del kept["last"], kept["count"]
    return _plain(kept)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {n: v.isoformat() if hasattr(v, "isoformat") else v for n, v in values.items()}
