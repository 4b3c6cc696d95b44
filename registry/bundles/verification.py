"""Compares a bundle with itself and with the digests in a snapshot. Pure: files are read before.

Whatever no digest covers is reported as `unchecked`, never passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from registry import __version__
from registry.bundles.content import Bundle, Piece, Record, WarcPlace
from registry.bundles.marks import BundledMark, marks
from registry.bundles.readme import readme
from registry.bundles.warc_records import fault, parts_of
from registry.db.values import evidence_digest
from registry.snapshot.record_digests import record_digest

CheckOutcome = Literal["fits", "differs", "unchecked"]
_NOT_COVERED = (
    "when the bundle was made, the counts and times of equal readings, and the names of WARC "
    "files: the snapshot has no digests of them"
)
_NOT_COVERED_IN_WARC = (
    "in WARC records: requests, dates, status lines and the header fields that evidence leaves "
    "out: the snapshot has no digests of them"
)


@dataclass(frozen=True, slots=True)
class KnownRecords:
    """A snapshot's registry, serial and time, and its digests of some records by name."""

    registry: str
    serial: int
    built_at: str
    digests: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: of what, its outcome, and the reason if it is not `fits`."""

    what: str
    outcome: CheckOutcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of a bundle, and the marks that they prove.

    `is_proven`: nothing differs, and the snapshot has all records. `is_newer`: it lacks one.
    """

    checks: tuple[Check, ...]
    marks: tuple[BundledMark, ...]
    is_proven: bool
    is_newer: bool


def verify(bundle: Bundle, text: str, warc: bytes | None, known: KnownRecords) -> Verification:
    """Compare a bundle, its README.txt and its WARC records with what a snapshot knows."""
    pieces = {piece.digest: _piece_check(piece, bundle) for piece in bundle.evidence}
    records = {record.name: _record_check(record, bundle, known) for record in bundle.records}
    checks = (
        *pieces.values(),
        *records.values(),
        *_warc_checks(bundle, warc),
        _readme_check(bundle, text),
        Check(_NOT_COVERED, "unchecked"),
    )
    sound = {digest for digest, check in pieces.items() if check.outcome == "fits"}
    proven = [
        record.name
        for record in bundle.records
        if records[record.name].outcome == "fits" and sound.issuperset(record.evidence)
    ]
    if bundle.subject.name not in proven:
        # Which marks of a site file apply depends on the image.
        proven = []
    differs = any(check.outcome == "differs" for check in checks)
    is_newer = any(check.outcome == "unchecked" for check in records.values())
    return Verification(checks, tuple(marks(bundle, proven)), not (differs or is_newer), is_newer)


def _piece_check(piece: Piece, bundle: Bundle) -> Check:
    what = f"{_name(piece)}: digest {piece.digest[:16]}"
    if evidence_digest(piece.evidence).hex() != piece.digest:
        return Check(what, "differs", "its content has another digest")
    if all(piece.digest not in record.evidence for record in bundle.records):
        return Check(what, "differs", "it belongs to no record in the bundle")
    return Check(what, "fits")


def _record_check(record: Record, bundle: Bundle, known: KnownRecords) -> Check:
    what = f"{record.name} of {record.first} in snapshot {known.serial} of {known.built_at}"
    digest = record_digest(record.fields)
    if digest.hex() != record.digest:
        return Check(what, "differs", "its fields have another digest than the bundle says")
    if len(bundle.pieces(record)) < len(record.evidence):
        return Check(what, "differs", "some of its evidence is not in the bundle")
    if bundle.registry != known.registry:
        return Check(what, "differs", f"the snapshot is of another registry, {known.registry}")
    recorded = known.digests.get(record.name)
    if recorded is None:
        return Check(what, "unchecked", "the snapshot does not have it")
    if recorded != digest:
        return Check(what, "differs", "the snapshot has another digest of it")
    return Check(what, "fits")


def _warc_checks(bundle: Bundle, warc: bytes | None) -> Iterator[Check]:
    """Yield a check for each piece of evidence, and for the bytes that belong to none."""
    held = warc or b""
    for piece in bundle.evidence:
        yield _warc_check(piece, held)
    places = {piece.warc: None for piece in bundle.evidence if piece.warc}
    stored = [place for place in places if place.offset is not None]
    if not _tiles(stored, len(held)):
        yield Check("evidence.warc.gz", "differs", "it has records of no evidence, or lacks some")
    if stored:
        yield Check(_NOT_COVERED_IN_WARC, "unchecked")


def _warc_check(piece: Piece, warc: bytes) -> Check:
    what, place = f"WARC record of {_name(piece)}", piece.warc
    if place is None:
        return Check(what, "unchecked", "none was written")
    if place.offset is None:
        where = f"{place.file} at {place.place}, {place.size} bytes"
        return Check(what, "unchecked", f"it is not in the bundle: {where}")
    data = warc[place.offset : place.offset + place.size]
    try:
        wrong = fault(piece.evidence, parts_of(data))
    except ValueError as error:
        wrong = str(error)
    return Check(what, "differs" if wrong else "fits", wrong)


def _tiles(places: Sequence[WarcPlace], size: int) -> bool:
    """Return whether the records follow one another without a gap, up to the end."""
    end = 0
    for place in places:
        if place.offset != end:
            return False
        end += place.size
    return end == size


def _readme_check(bundle: Bundle, text: str) -> Check:
    if text == readme(bundle):
        return Check("README.txt", "fits")
    if bundle.version != __version__:
        reason = f"version {bundle.version} wrote it; evidence.json is what counts"
        return Check("README.txt", "unchecked", reason)
    return Check("README.txt", "differs", "it is not what evidence.json says")


def _name(piece: Piece) -> str:
    return f"{piece.evidence.carrier} of {piece.evidence.url}"
