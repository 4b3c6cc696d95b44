"""The tables of a snapshot's index, as `registry.snapshot.lookup_tables` makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from registry.matching.code_tables import PARTS, CodeTable, CodeTables
from registry.matching.key_table import NONE, KeyTable
from registry.matching.lists import Lists, Numbers
from registry.snapshot.lookup_tables import ABSENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.snapshot.opened import Snapshot


@dataclass(frozen=True, slots=True)
class EntryTables:
    """Arrays parallel to the entries, and the lists of entries by URL, page and picture.

    Entries of one class have sets of signals of the same shapes, so that a policy decides on
    them alike; `example` is an entry of each class. `since` is in microseconds since 1970.
    Entries from `claims` on are claims. `sizes` has the keys of pictures that are recorded at
    the URL of one of their sizes.
    """

    classes: NDArray[np.uint32]
    example: NDArray[np.uint32]
    since: NDArray[np.int64]
    picture: NDArray[np.uint32]
    claims: int
    urls: KeyTable
    of_url: Lists
    pages: KeyTable
    of_page: Lists
    of_picture: Lists
    sizes: KeyTable
    of_size: Lists

    def pictures(self, entries: Numbers) -> Numbers:
        """Return the picture of each entry, or NONE."""
        pictures = self.picture[entries].astype(np.int64)
        return np.where(pictures == ABSENT, NONE, pictures)


@dataclass(frozen=True, slots=True)
class PrintTables:
    """Fingerprints of one kind, each distinct one once, and the pictures that have it.

    A picture may have several (views). `codes` finds distinct phash64 codes; those with code c
    are the prints [starts[c], starts[c + 1]) (uint32). Of print p, `code[p]` is the phash64
    (uint64), and `wide[p]` is 0, or one more than the number of its phash256 in `words` (uint32;
    four uint64 each, in no defined byte order). `pictures` lists the pictures of each print,
    `of_picture` the prints of each picture.
    """

    codes: CodeTables
    starts: NDArray[np.uint32]
    code: NDArray[np.uint64]
    wide: NDArray[np.uint32]
    words: NDArray[np.uint64]
    pictures: Lists
    of_picture: Lists

    def wide_words(self, numbers: Numbers) -> NDArray[np.uint64]:
        """Return phash256 codes by number, (n, 4)."""
        places = (4 * numbers[:, None] + np.arange(4)).reshape(-1)
        words: NDArray[np.uint64] = self.words[places].reshape(-1, 4)
        return words


def entry_tables(snapshot: Snapshot) -> EntryTables:
    """Return the tables of entries."""
    urls, of_url = key_table(snapshot, "url")
    pages, of_page = key_table(snapshot, "page")
    sizes, of_size = key_table(snapshot, "size")
    return EntryTables(
        classes=snapshot.array("entry-class.u32"),
        example=snapshot.array("class-example.u32"),
        since=snapshot.array("entry-since.i64"),
        picture=snapshot.array("entry-picture.u32"),
        claims=snapshot.entries.first_claim,
        urls=urls,
        of_url=of_url,
        pages=pages,
        of_page=of_page,
        of_picture=_lists(snapshot, "picture"),
        sizes=sizes,
        of_size=of_size,
    )


def print_tables(snapshot: Snapshot) -> PrintTables:
    """Return the tables of fingerprints."""
    codes = []
    for place, (first, most) in enumerate(PARTS):
        starts = snapshot.array(f"code{place}-starts.u32")
        shift = first + most - ((len(starts) - 1).bit_length() - 1)
        held = [snapshot.array(f"code{place}-{name}") for name in ("codes.u64", "rows.u32")]
        codes.append(CodeTable(shift, starts, *held))
    return PrintTables(
        codes=tuple(codes),
        starts=snapshot.array("code-prints.u32"),
        code=snapshot.array("print-code.u64"),
        wide=snapshot.array("print-wide.u32"),
        words=snapshot.array("wide-words.u64"),
        pictures=_lists(snapshot, "print"),
        of_picture=_lists(snapshot, "prints"),
    )


def key_table(snapshot: Snapshot, name: str) -> tuple[KeyTable, Lists]:
    """Return a table of keys, and the rows of each key."""
    starts, marks = (snapshot.array(f"{name}-{part}.u32") for part in ("starts", "marks"))
    return KeyTable(starts, marks), _lists(snapshot, name)


def _lists(snapshot: Snapshot, name: str) -> Lists:
    return Lists(snapshot.array(f"{name}-lists.u32"), snapshot.array(f"{name}-rows.u32"))
