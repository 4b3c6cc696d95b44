"""Reads WARC records from the folders of WARC files that an operator names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from registry.bundles.content import Bundle, WarcPlace
from registry.bundles.warc_records import fault, parts_of
from registry.errors import RefusedFile
from registry.files import opened


@dataclass(frozen=True, slots=True)
class MissingRecord:
    """WARC records that were not found, and why."""

    place: WarcPlace
    reason: str


def add_records(
    bundle: Bundle, folders: Sequence[Path]
) -> tuple[Bundle, bytes, list[MissingRecord]]:
    """Return the bundle with its WARC records placed, the records, and those not found.

    The records of one response are in the result once, in the order of the evidence.
    """
    data, missing = b"", []
    placed: dict[WarcPlace, WarcPlace] = {}
    for piece in bundle.evidence:
        place = piece.warc
        if place is None or place in placed:
            continue
        placed[place] = place
        try:
            records = _records(place, folders)
            wrong = fault(piece.evidence, parts_of(records))
        except (ValueError, OSError, RefusedFile) as error:
            wrong = _reason(error)
        if wrong:
            missing.append(MissingRecord(place, wrong))
            continue
        placed[place] = replace(place, offset=len(data))
        data += records
    evidence = tuple(
        replace(piece, warc=placed[piece.warc]) if piece.warc else piece
        for piece in bundle.evidence
    )
    return replace(bundle, evidence=evidence), data, missing


def _records(place: WarcPlace, folders: Sequence[Path]) -> bytes:
    """Return the bytes at a place; raise ValueError if there are fewer, OSError, RefusedFile."""
    if PurePath(place.file).name != place.file:
        raise ValueError("the name of the file is not valid")
    if not folders:
        raise FileNotFoundError
    path = next((f / place.file for f in folders if (f / place.file).exists()), None)
    if path is None:
        raise FileNotFoundError
    with opened(path) as file:
        file.seek(place.place)
        records = file.read(place.size)
    if len(records) < place.size:
        raise ValueError("the file is shorter")
    return records


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)
