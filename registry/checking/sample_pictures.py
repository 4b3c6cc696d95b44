"""Reads the pictures of some matched rows again, and makes small copies of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from registry.checking.extraction import extract
from registry.checking.samples import by_variety
from registry.datasets import STDIN
from registry.datasets.states import digest
from registry.datasets.units import Part
from registry.errors import RefusedFile, UnreadableDataset
from registry.pictures.reading import Hashed
from registry.pictures.thumbnails import thumbnails

if TYPE_CHECKING:
    from registry.checking.columns import Columns
    from registry.checking.report import Report
    from registry.checking.samples import Sample
    from registry.datasets import Dataset

# Most rows that are read, and that are shown.
MOST_READ, MOST_SHOWN = 24, 12
# Most pictures of one row, and bytes of one picture, that are shown.
MOST_OF_ROW, MOST_BYTES = 2, 64 << 20


def sample_pictures(dataset: Dataset, columns: Columns, report: Report) -> dict[int, list[bytes]]:
    """Return small JPEGs of the pictures of some of a report's samples, by row.

    A row without one has no pictures, or they cannot be read. There are none at all if the files
    changed since the check, and none of standard input.
    """
    pictures: dict[int, list[bytes]] = {}
    if not columns.of("image") or STDIN in dataset.files:
        return pictures
    rows: list[int] = []
    for number, small in enumerate(thumbnails(_all(dataset, columns, report, rows))):
        if small is not None:
            pictures.setdefault(rows[number], []).append(small)
    return pictures if digest(dataset.files) == report.files.state else {}


def _all(dataset: Dataset, columns: Columns, report: Report, rows: list[int]) -> Iterator[bytes]:
    """Yield the pictures of some samples; the row of each is appended to `rows` before."""
    for one in by_variety(report.tally.samples)[:MOST_READ]:
        for data in _read(dataset, columns, one):
            rows.append(one.row)
            yield data
        if len(set(rows)) >= MOST_SHOWN:
            return


def _read(dataset: Dataset, columns: Columns, sample: Sample) -> list[bytes]:
    """Return the bytes of the first pictures of a row."""
    found: list[bytes] = []

    def take(contents: Sequence[bytes | None]) -> list[Hashed]:
        found.extend(one for one in contents if one and len(one) <= MOST_BYTES)
        return [Hashed()] * len(contents)

    only = replace(columns, choices=columns.of("image"), others=())
    place = Part(sample.table, sample.place, 1)
    try:
        for chunk in dataset.chunks(only.read, [place] if sample.place >= 0 else []):
            extract(chunk.batch, only, take)
    except (UnreadableDataset, RefusedFile):
        return []
    return found[:MOST_OF_ROW]
