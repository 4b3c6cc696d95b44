"""Validates what the digests of a snapshot cannot: its values and references.

A snapshot may come from anywhere. A number past the end of a table would crash a check, a
wrong list would give the marks of another row, and a time of the year 10,000 cannot be shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.errors import UnreadableSnapshot
from registry.snapshot.format import (
    INDEX_FILE,
    KINDS,
    PLACE,
    damaged,
    past_from_json,
    set_from_json,
    shape_of_json,
    signals_from_json,
)
from registry.snapshot.lookup_tables import ABSENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.snapshot.arrow_files import ArrowFile
    from registry.snapshot.opened import Snapshot

# Range of Python's datetime, in microseconds since 1970.
FIRST_TIME, LAST_TIME = -62_135_596_800_000_000, 253_402_300_799_999_999
_EVERY_URL = dict.fromkeys(("url", "page_url", "fetched_url"), "")


def refuse_wrong(snapshot: Snapshot) -> None:
    """Raise UnreadableSnapshot, naming the file, for values that no build writes.

    Its bytes are verified already.
    """
    for kind in KINDS:
        for segment in snapshot.rows(kind).segments():
            segment.validate()
            _refuse_columns(segment, kind)
    _References(snapshot).refuse_wrong()


def refuse_unreadable(snapshot: Snapshot) -> None:
    """Read every text of a snapshot; raise UnreadableSnapshot for an invalid one.

    Checks and lookups read only the texts that they need.
    """
    for kind, column, read in (
        ("observations", "signals", _read_set),
        ("observations", "rules", _read_set),
        ("observations", "past", past_from_json),
        ("claims", "signals", _read_set),
        ("site-files", "signals", signals_from_json),
        ("site-claims", "signals", _read_site_set),
    ):
        for segment in snapshot.rows(kind).segments():
            _read_all(segment, column, read)


def _read_set(text: str) -> None:
    set_from_json(text, _EVERY_URL)
    shape_of_json(text)


def _read_site_set(text: str) -> None:
    set_from_json(text, {PLACE: ""})


def _read_all(segment: ArrowFile, column: str, read: Callable[[str], object]) -> None:
    values = segment.column(column)
    texts = values.dictionary if pa.types.is_dictionary(values.type) else values.unique()
    for text in texts.drop_null():
        try:
            read(text.as_py())
        except UnreadableSnapshot as error:
            raise damaged(str(segment.shown), error.message) from error


def _refuse_columns(segment: ArrowFile, kind: str) -> None:
    for name, values in KINDS[kind].items():
        column = segment.column(name.removesuffix("?"))
        if not name.endswith("?") and column.null_count:
            raise damaged(str(segment.shown), f"its column {name} has nulls")
        if values == "time" and not _within(_ticks(column), FIRST_TIME, LAST_TIME):
            raise damaged(str(segment.shown), f"its column {name} has times out of range")
        if values == "text" and pa.types.is_dictionary(column.type):
            numbers = column.indices.drop_null().to_numpy()
            if not _within(numbers, 0, len(column.dictionary) - 1):
                raise damaged(str(segment.shown), "its values do not fit its types")


def _ticks(column: pa.Array) -> NDArray[np.int64]:
    return np.asarray(column.cast(pa.int64()).to_numpy(), np.int64)


def _within(numbers: NDArray[Any], first: int, last: int) -> bool:
    """Return whether all numbers are between two bounds, inclusive."""
    return not len(numbers) or (first <= int(numbers.min()) and int(numbers.max()) <= last)


class _References:
    """The numbers in the arrays of the index, and between segments."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def refuse_wrong(self) -> None:
        entries, pictures = len(self._snapshot.entries), len(self._snapshot.pictures)
        self._refuse_pictures()
        classes = len(self._array("class-example.u32"))
        self._refuse("entry-class.u32", size=entries, below=classes)
        self._refuse("class-example.u32", below=entries)
        self._refuse("entry-since.i64", size=entries)
        self._refuse("entry-picture.u32", size=entries, below=pictures, absent=True)
        self._refuse_lists("picture", pictures, entries)
        for name in ("url", "page"):
            self._refuse_table(name, entries)
        self._refuse_table("host", len(self._snapshot.sites))
        for name in ("sha256", "md5"):
            self._refuse_table(name, pictures)
        self._refuse_prints(pictures)

    def _refuse_pictures(self) -> None:
        ids = self._snapshot.rows("pictures").column("id")
        for kind in ("observations", "views"):
            for segment in self._snapshot.rows(kind).segments():
                named = segment.column("picture").drop_null()
                if not pc.all(pc.is_in(named, value_set=ids), min_count=0).as_py():
                    wrong = "its column picture refers to pictures that are not there"
                    raise damaged(str(segment.shown), wrong)

    def _refuse_prints(self, pictures: int) -> None:
        codes, prints = len(self._array("code-prints.u32")) - 1, len(self._array("print-code.u64"))
        for place in range(3):
            self._refuse(f"code{place}-codes.u64", size=codes)
            self._refuse(f"code{place}-rows.u32", size=codes, below=codes)
            self._refuse_starts(f"code{place}-starts.u32", codes, of_bits=True)
        self._refuse_starts("code-prints.u32", prints)
        words = len(self._array("wide-words.u64"))
        if words % 4:
            raise self._damaged("wide-words.u64")
        self._refuse("print-wide.u32", size=prints, below=words // 4 + 1)
        self._refuse_lists("print", prints, pictures)
        self._refuse_lists("prints", pictures, prints)

    def _refuse_table(self, name: str, below: int) -> None:
        marks = len(self._array(f"{name}-marks.u32"))
        self._refuse_starts(f"{name}-starts.u32", marks, of_bits=True)
        self._refuse_lists(name, marks, below)

    def _refuse_lists(self, name: str, lists: int, below: int) -> None:
        rows = len(self._array(f"{name}-rows.u32"))
        self._refuse_starts(f"{name}-lists.u32", rows, size=lists + 1)
        self._refuse(f"{name}-rows.u32", below=below)

    def _refuse_starts(
        self, name: str, end: int, *, size: int | None = None, of_bits: bool = False
    ) -> None:
        """Refuse places in another array that do not rise from 0 to its end."""
        starts = self._array(name)
        buckets = len(starts) - 1
        fits = buckets >= 0 and int(starts[0]) == 0 and int(starts[-1]) == end
        fits = fits and (size is None or len(starts) == size)
        fits = fits and (not of_bits or (buckets > 0 and buckets & (buckets - 1) == 0))
        if not fits or bool((starts[1:] < starts[:-1]).any()):
            raise self._damaged(name)

    def _refuse(
        self, name: str, *, size: int | None = None, below: int | None = None, absent: bool = False
    ) -> None:
        array = self._array(name)
        wrong = size is not None and len(array) != size
        if below is not None:
            counted = array[array != ABSENT] if absent else array
            wrong = wrong or not _within(counted, 0, below - 1)
        if wrong:
            raise self._damaged(name)

    def _array(self, name: str) -> NDArray[Any]:
        return np.asarray(self._snapshot.array(name))

    def _damaged(self, name: str) -> UnreadableSnapshot:
        path = self._snapshot.path / INDEX_FILE
        return damaged(str(path), f"{name} in it refers to rows that are not there")
