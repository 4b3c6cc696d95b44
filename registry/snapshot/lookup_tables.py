"""The tables by which a snapshot is searched, made from its rows. Pure.

Entries, pictures and sites are named by their row. The tables depend on the rows only; what
depends on a policy is decided when a row is found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.matching.code_tables import CodeTables
from registry.matching.code_tables import build as build_codes
from registry.matching.distinct import PrintCodes, distinct
from registry.matching.key_table import NONE, KeyTable, build
from registry.matching.lists import Lists, Numbers, group
from registry.model import DIGESTS
from registry.urls.columns import hashes_of, url_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.model import Digest


@dataclass(frozen=True, slots=True)
class EntryTables:
    """Arrays parallel to the entries, and the lists of entries by URL, page and picture.

    Entries of one class have sets of signals of the same shapes, so that a policy decides on
    them alike; `example` is an entry of each class. `since` is in microseconds since 1970,
    `picture` is NONE where no picture is known. Entries from `claims` on are claims.
    """

    classes: NDArray[np.uint32]
    example: NDArray[np.uint32]
    since: NDArray[np.int64]
    picture: NDArray[np.int64]
    claims: int
    urls: KeyTable
    of_url: Lists
    pages: KeyTable
    of_page: Lists
    of_picture: Lists


def entry_tables(entries: pa.Table, shapes: NDArray[np.int64], pictures: int) -> EntryTables:
    """Return the tables of entries, given the shape of each set of signals."""
    crawled = _mask(pc.starts_with(entries["entry"], "observation:"))
    url_key = entries["url_key"].combine_chunks()
    urls, of_url = _by_text(url_key)
    # A picture that is no longer served at its URL is no longer on the page.
    gone = crawled & ~_mask(url_key.is_valid())
    shown = pc.if_else(pa.array(gone), None, entries["page_url"].combine_chunks())
    pages, of_page = _by_text(url_keys(shown))
    classes, example = _classes(shapes, rows_of(entries["signals"]), rows_of(entries["rules"]))
    picture = rows_of(entries["image"])
    has = np.flatnonzero(picture != NONE)
    return EntryTables(
        classes=classes,
        example=example,
        since=entries["since"].cast(pa.int64()).to_numpy(),
        picture=picture,
        claims=int(crawled.sum()),
        urls=urls,
        of_url=of_url,
        pages=pages,
        of_page=of_page,
        of_picture=group(picture[has], has, pictures),
    )


@dataclass(frozen=True, slots=True)
class PrintTables:
    """Fingerprints of one kind, each distinct one once, and the pictures that have it.

    A picture may have several (views). `codes` finds distinct phash64 codes; those with code c
    are the prints [starts[c], starts[c + 1]) (uint32). Of print p, `code[p]` is the phash64
    (uint64), and `wide[p]` is 0, or one more than the row of its phash256 in `words` (uint32;
    uint64 of shape (n, 4), in no defined byte order). `pictures` lists the pictures of each
    print, `of_picture` the prints of each picture.
    """

    codes: CodeTables
    starts: NDArray[np.uint32]
    code: NDArray[np.uint64]
    wide: NDArray[np.uint32]
    words: NDArray[np.uint64]
    pictures: Lists
    of_picture: Lists


def print_tables(images: pa.Table, views: pa.Table) -> PrintTables:
    """Return the tables of the fingerprints of all views of all pictures."""
    full = np.flatnonzero(_mask(images["phash64"].is_valid()))
    near = images["phash64"].combine_chunks().take(pa.array(full)).to_numpy()
    far = images["phash256"].combine_chunks().take(pa.array(full))
    picture = np.concatenate([full, views["image"].to_numpy().astype(np.int64)])
    code = np.concatenate([near, views["phash64"].to_numpy()])
    has_wide = np.concatenate([_mask(far.is_valid()), np.ones(len(views), bool)])
    words = np.concatenate([words_of(far), words_of(views["phash256"].combine_chunks())])
    # The pictures of each fingerprint are in order.
    by_picture = np.argsort(picture, kind="stable")
    order, number = distinct(PrintCodes(code, words, has_wide).take(by_picture))
    order = by_picture[order]
    first = np.flatnonzero(np.diff(number, prepend=-1))
    known = has_wide[order[first]]
    codes, starts = np.unique(code[order[first]], return_index=True)
    lists = np.append(first, len(code)).astype(np.uint32), picture[order].astype(np.uint32)
    of_print = np.empty(len(code), np.int64)
    of_print[order] = number
    return PrintTables(
        codes=build_codes(codes),
        starts=np.append(starts, len(first)).astype(np.uint32),
        code=code[order[first]],
        wide=np.where(known, np.cumsum(known), 0).astype(np.uint32),
        words=words[order[first[known]]],
        pictures=Lists(*lists),
        of_picture=group(picture[by_picture], of_print[by_picture], len(images)),
    )


def words_of(codes: pa.FixedSizeBinaryArray) -> NDArray[np.uint64]:
    """Return 256-bit codes as uint64 of shape (n, 4), for counting differing bits only."""
    # Nulls may hold anything: they become zeros.
    filled = codes.fill_null(bytes(codes.type.byte_width))
    words = np.frombuffer(filled.buffers()[1] or b"", np.uint64).reshape(-1, 4)
    return words[filled.offset : filled.offset + len(filled)]


def digest_tables(images: pa.Table) -> dict[Digest, tuple[KeyTable, Lists]]:
    """Return the tables of pictures by digest."""
    tables = {}
    for name in DIGESTS:
        column = images[name].combine_chunks()
        rows = np.flatnonzero(_mask(column.is_valid()))
        known = column.take(pa.array(rows))
        tables[name] = build(digest_hashes(known), rows, _equal(column))
    return tables


def host_tables(sites: pa.Table) -> tuple[KeyTable, Lists]:
    """Return the table of the rows of `sites` by host."""
    return _by_text(sites["host"].combine_chunks())


def digest_hashes(digests: pa.FixedSizeBinaryArray) -> NDArray[np.uint64]:
    """Return the first eight bytes of digests without nulls: they are as good as a hash."""
    width = digests.type.byte_width
    content = np.frombuffer(digests.buffers()[1] or b"", np.uint8)
    content = content[digests.offset * width : (digests.offset + len(digests)) * width]
    return np.ascontiguousarray(content.reshape(-1, width)[:, :8]).view("<u8").reshape(-1)


def rows_of(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return row numbers, NONE for null."""
    rows = column.combine_chunks().fill_null(NONE).to_numpy(zero_copy_only=False)
    return np.asarray(rows, np.int64)


def _by_text(texts: pa.StringArray) -> tuple[KeyTable, Lists]:
    rows = np.flatnonzero(_mask(texts.is_valid()))
    return build(hashes_of(texts.take(pa.array(rows))), rows, _equal(texts))


def _equal(column: pa.Array) -> Callable[[Numbers, Numbers], NDArray[np.bool_]]:
    def are_equal(ours: Numbers, theirs: Numbers) -> NDArray[np.bool_]:
        return _mask(pc.equal(column.take(pa.array(ours)), column.take(pa.array(theirs))))

    return are_equal


def _classes(
    shapes: NDArray[np.int64], own: NDArray[np.int64], rules: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return the class of each entry, and an entry of each class."""
    # The last element is for entries without rules, whose row is -1.
    shapes = np.append(shapes, NONE)
    pairs = shapes[own] * (len(shapes) + 1) + shapes[rules] + 1
    _, example, classes = np.unique(pairs, return_index=True, return_inverse=True)
    return classes.astype(np.uint32), example.astype(np.uint32)


def _mask(column: pa.Array | pa.ChunkedArray) -> NDArray[np.bool_]:
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    mask: NDArray[np.bool_] = values.fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
    return mask
