"""An event as a line of text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from registry.text import visible

if TYPE_CHECKING:
    import psycopg

    from registry.db.event_rows import Event
    from registry.db.rows import EvidenceRow
    from registry.model import Evidence, Signal

# Most characters of a mark's text; most lines about one URL of one visit.
SHOWN_TEXT = 200
SHOWN_LINES = 3
# The names of the marks with a picture, by the event's id.
Marks = Mapping[int, Sequence[str]]


def quoted(text: str) -> str:
    """Return a mark's text on one line, a long one shortened."""
    text = " ".join(text.split())
    return visible(text if len(text) <= SHOWN_TEXT else text[:SHOWN_TEXT] + "...")


def marks_there(conn: psycopg.Connection, batch: Iterable[Event]) -> Marks:
    """Return the names of the marks of pictures that are new or replaced, by event."""
    from registry.db.history import read_evidence

    there = {event.id: event.evidence_there for event in batch if event.evidence_there}
    ids = {number for evidence in there.values() for number in evidence}
    signals, _ = read_evidence(conn, ids, _read) if ids else ({}, {})
    return {
        event: list(dict.fromkeys(s.name for n in evidence for s in signals[n] if s.uses))
        for event, evidence in there.items()
    }


def event_lines(batch: Iterable[Event], marks: Marks, *, with_site: bool = True) -> Iterator[str]:
    """Yield one line for each event; of many about one URL the first ones, and their number."""
    for _, group in groupby(batch, lambda event: (event.visit_id, event.kind, event.url)):
        alike = list(group)
        for event in alike[:SHOWN_LINES]:
            site = f"{visible(event.site)}  " if with_site else ""
            kind = event.kind.replace("-", " ")
            yield f"{event.at:%Y-%m-%d %H:%M}  {site}{kind:<16}  {_details(event, marks)}".rstrip()
        if len(alike) > SHOWN_LINES:
            kind = alike[0].kind.replace("-", " ")
            yield f"{'':16}  and {len(alike) - SHOWN_LINES} more: {kind} at {visible(event.url)}"


def event_json(event: Event, marks: Marks) -> dict[str, Any]:
    """Return an event as JSON: what was there before, since when, and what is there after."""
    before = {
        "since": event.since.isoformat() if event.since else None,
        "text": event.text_before,
        "sha256": event.sha256_before,
        "evidence": _evidence_json(event.evidence_before),
    }
    after = {
        "text": event.text_after,
        "sha256": event.sha256_after,
        "evidence": _evidence_json(event.evidence_after),
    }
    return {
        "id": event.id,
        "at": event.at.isoformat(),
        "site": event.site,
        "visit": event.visit_id,
        "kind": event.kind,
        "url": event.url,
        "page_url": event.page_url,
        "marks": list(event.names or marks.get(event.id, ())),
        "before": before if any(before.values()) else None,
        "after": after if any(after.values()) else None,
    }


def _details(event: Event, marks: Marks) -> str:
    url = visible(event.url)
    if event.kind.startswith("mark"):
        texts = [quoted(text) for text in (event.text_before, event.text_after) if text]
        return f"{', '.join(map(visible, event.names))}: {' -> '.join(texts)}  at {url}"
    parts = [url]
    if event.sha256_before and event.sha256_after and event.kind == "picture-replaced":
        parts.append(f"sha256 {event.sha256_before} -> {event.sha256_after}")
    if event.page_url:
        parts.append(f"on {visible(event.page_url)}")
    if names := marks.get(event.id):
        parts.append(f"marks: {', '.join(map(visible, names))}")
    return "  ".join(parts)


def _evidence_json(evidence: Evidence | None) -> dict[str, Any] | None:
    if evidence is None:
        return None
    content = {"lines": evidence.lines} if evidence.lines else {"text": evidence.text}
    return {"carrier": evidence.carrier, "url": evidence.url, **content}


def _read(row: EvidenceRow) -> tuple[Signal, ...]:
    from registry.signals import read

    return read(row.evidence()).signals
