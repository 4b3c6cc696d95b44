"""The marks that the evidence in a bundle holds, as the current readers read them. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from registry.bundles.content import OBSERVATION, Bundle, Piece, Record
from registry.model import Signal, Target
from registry.signals import read
from registry.snapshot.marks import marks_of
from registry.urls.key import host_of
from registry.urls.paths import url_path
from registry.verdict.site_rules import applicable, rules_of_host


@dataclass(frozen=True, slots=True)
class BundledMark:
    """One mark: the record and the carrier that hold it, its exact text, its place.

    `names` are those of its signals; `first` and `last` are the times of the record's readings.
    """

    record: str
    carrier: str
    url: str
    text: str
    names: tuple[str, ...]
    first: str
    last: str


def marks(bundle: Bundle, records: Collection[str] | None = None) -> list[BundledMark]:
    """Return the marks that apply to the bundle's image and page, by record.

    Of a bundle about a site file, all of its marks. `records`: only those in these records.
    """
    return [
        mark
        for record in bundle.records
        if records is None or record.name in records
        for piece in bundle.pieces(record)
        for mark in marks_in(piece, record, bundle.subject)
    ]


def marks_in(piece: Piece, record: Record, subject: Record) -> list[BundledMark]:
    """Return the marks in one piece of evidence of a record that apply to the subject."""
    signals = _applicable(read(piece.evidence).signals, record, subject)
    return [
        BundledMark(
            record.name, piece.evidence.carrier, url, text, names, record.first, record.last
        )
        for ((url, _, _), text), names in marks_of(signals).items()
    ]


def _applicable(signals: tuple[Signal, ...], record: Record, subject: Record) -> Collection[Signal]:
    if subject.kind != OBSERVATION:
        return signals
    if record.kind == OBSERVATION:
        # A licence within a page or a picture has paths.
        image = subject.text("fetched_url") or subject.text("image_url")
        return applicable(signals, Target(image, subject.text("page_url") or None))
    host = host_of(f"//{record.text('host')}/") or record.text("host")
    urls = (subject.text(name) for name in ("image_url", "fetched_url", "page_url"))
    paths = {url_path(url): None for url in urls if host_of(url) == host}
    own = rules_of_host(signals, host, list(paths)) if paths else []
    return [*own, *_cross_host(signals, host, subject)]


def _cross_host(signals: tuple[Signal, ...], host: str, subject: Record) -> list[Signal]:
    """Return the rules in a file of the page's host for the image, which is on another (RSL)."""
    image = subject.text("image_url")
    image_host = host_of(image) or ""
    is_of_page = host == host_of(subject.text("page_url")) and host != image_host
    if not is_of_page or subject.text("relation") == "third-party":
        return []
    listed = [s for s in signals if s.rule and s.rule.host == image_host]
    return rules_of_host(listed, image_host, [url_path(image)]) if listed else []
