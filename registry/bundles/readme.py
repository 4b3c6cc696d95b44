"""`README.txt` of a bundle: its content in plain English. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from registry.bundles.content import OBSERVATION, Bundle, Piece, Record
from registry.bundles.marks import BundledMark, marks_in
from registry.text import visible

# Most characters of a mark's text; most marks of one piece of evidence.
SHOWN_TEXT = 500
SHOWN_MARKS = 20
_ABOUT = """\
This is evidence from an opt-out registry, which records the marks by which people and sites
reserve images against use for AI training. It holds what was read, where and when.
It holds no image.
"""
_FILES = """\
Files
  README.txt         this text
  evidence.json      the records and their evidence, complete, each with its digest (sha256)
"""
_WARC = """\
  evidence.warc.gz   the responses that gave the evidence, as they were received: status, header
                     lines, and the part with the marks (WARC, ISO 28500)
"""
_VERIFY = """\
How to verify it
  Get a snapshot of the registry {registry},
  made later than the readings above, from its operator or from a copy that you trust. Then:

    pip install optout-registry
    registry evidence verify BUNDLE.zip --snapshot FOLDER

  The command needs no network. It computes the digests again and compares them with those in
  the snapshot, and says what could not be compared. The snapshot has no digest of the count
  and time of later equal readings, nor of the time at which this bundle was made.
"""


def readme(bundle: Bundle) -> str:
    """Return the text of `README.txt`."""
    has_warc = any(piece.warc and piece.warc.offset is not None for piece in bundle.evidence)
    parts = [
        f"Evidence: {bundle.subject.name}\n\n{_ABOUT}",
        f"Registry   {visible(bundle.registry)}\nMade       {_time(bundle.made_at)}\n",
        "\n".join(bundle_lines(bundle)) + "\n",
        "\n".join(_missing(bundle)),
        _FILES + (_WARC if has_warc else ""),
        _VERIFY.format(registry=visible(bundle.registry)),
    ]
    return "\n".join(part for part in parts if part)


def bundle_lines(bundle: Bundle) -> list[str]:
    """Return all records of a bundle, with their evidence and its marks."""
    return [line for record in bundle.records for line in _record(record, bundle)]


def _facts(record: Record) -> list[str]:
    """Return what was read where and when, one fact a line."""
    if record.kind == OBSERVATION:
        shown = [("image", "image_url"), ("page", "page_url"), ("read from", "fetched_url")]
        shown += [("sha256", "sha256"), ("relation", "relation")]
    else:
        shown = [("file", "url"), ("host", "host"), ("kind", "kind")]
    shown += [("status", "status"), ("refusal", "refusal")]
    facts = [(label, record.text(name)) for label, name in shown if record.text(name)]
    facts += [("first read", _time(record.first))]
    if record.again:
        facts += [("last read", f"{_time(record.last)}, {record.again} equal readings after it")]
    return [f"{label:<11}{visible(value)}" for label, value in facts]


def mark_line(mark: BundledMark) -> str:
    """Return a mark on one line: names, and the exact text, a long one shortened."""
    text = " ".join(mark.text.split())
    cut = text if len(text) <= SHOWN_TEXT else text[:SHOWN_TEXT] + "..."
    return f"{', '.join(map(visible, mark.names))}: {visible(cut)}"


def _warc_line(piece: Piece) -> str:
    """Return where the WARC records of a piece of evidence are; empty without any."""
    if (place := piece.warc) is None:
        return ""
    return f"{visible(place.file)} at byte {place.place}, {place.size} bytes"


def _record(record: Record, bundle: Bundle) -> Iterator[str]:
    yield record.name
    yield from (f"  {line}" for line in _facts(record))
    for piece in bundle.pieces(record):
        yield f"  evidence   {piece.evidence.carrier} of {visible(piece.evidence.url)}"
        found = marks_in(piece, record, bundle.subject)
        yield from (f"    mark     {mark_line(mark)}" for mark in found[:SHOWN_MARKS])
        if len(found) > SHOWN_MARKS:
            yield f"    and {len(found) - SHOWN_MARKS} more marks"
        if not found:
            yield "    no mark that applies here"
        if place := _warc_line(piece):
            yield f"    WARC     {place}"


def _missing(bundle: Bundle) -> Iterator[str]:
    places = {p.warc: p for p in bundle.evidence if p.warc and p.warc.offset is None}
    if places:
        yield "WARC records that are not in this bundle, since their files were not at hand"
        yield from (f"  {_warc_line(piece)}" for piece in places.values())
        yield ""


def _time(text: str) -> str:
    """Return a time in UTC, to the second."""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
