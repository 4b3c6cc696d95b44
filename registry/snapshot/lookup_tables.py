"""The tables by which a snapshot is searched, made from its rows.

Entries, pictures and sites are named by their number. The tables depend on the rows only; what
depends on a policy is decided when a row is found. They are arrays that are kept in files and
mapped; `registry.index.tables` reads them. ABSENT stands for no number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.matching.code_tables import build as build_codes
from registry.matching.distinct import PrintCodes, distinct
from registry.matching.key_table import NONE, KeyTable, build
from registry.matching.lists import Lists, Numbers, group
from registry.model import DIGESTS
from registry.snapshot.format import shape_of_json
from registry.urls.columns import hashes_of, key_column, url_keys
from registry.urls.variant_columns import other_keys, picture_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.model import Digest
    from registry.snapshot.content import Content
    from registry.snapshot.segments import Rows

ABSENT = 0xFFFFFFFF
Arrays = Iterator[tuple[str, "NDArray[Any]"]]


def index_arrays(snapshot: Content) -> Arrays:
    """Yield the names and arrays of the index of a snapshot's rows."""
    yield from _classes(snapshot)
    yield "entry-since.i64", _whole([*_both(snapshot, "since", _ticks)], np.int64)
    picture = _pictures_of_entries(snapshot)
    yield "entry-picture.u32", np.where(picture == NONE, ABSENT, picture).astype(np.uint32)
    has = np.flatnonzero(picture != NONE)
    yield from _lists("picture", group(picture[has], has, len(snapshot.pictures)))
    yield from _urls(snapshot)
    hosts = snapshot.sites.hosts()
    yield from _table("host", *build(hashes_of(hosts), np.arange(len(hosts)), _equal(hosts)))
    # A claim about a picture that was seen has none of its own.
    own = picture[snapshot.entries.first_claim :] == np.arange(
        snapshot.pictures.first_claim, len(snapshot.pictures)
    )
    for name in DIGESTS:
        yield from _digests(snapshot, name, own)
    yield from _prints(snapshot, own)


def _both(snapshot: Content, column: str, read: Callable[[pa.Array], Any]) -> Iterator[Any]:
    """Yield what is read from a column of each segment of entries, in order."""
    for rows in (snapshot.entries.observations, snapshot.entries.claims):
        yield from map(read, rows.columns(column))


def _ticks(times: pa.Array) -> NDArray[np.int64]:
    return np.asarray(times.cast(pa.int64()).to_numpy(), np.int64)


def _whole(parts: list[NDArray[Any]], kind: Any) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, kind), *parts]).astype(kind, copy=False)


def _table(name: str, table: KeyTable, lists: Lists) -> Arrays:
    yield f"{name}-starts.u32", table.starts
    yield f"{name}-marks.u32", table.marks
    yield from _lists(name, lists)


def _lists(name: str, lists: Lists) -> Arrays:
    yield f"{name}-lists.u32", lists.starts
    yield f"{name}-rows.u32", lists.rows


def _classes(snapshot: Content) -> Arrays:
    """Yield the class of each entry, and an entry of each class.

    Entries of one class have sets of signals of the same shapes, so that every policy decides on
    them alike.
    """
    known: dict[str, int] = {}

    def shapes(texts: pa.Array) -> NDArray[np.int64]:
        numbers = [known.setdefault(shape_of_json(t), len(known)) for t in _distinct(texts)]
        return np.append(np.array(numbers, np.int64), NONE)[_indices(texts)]

    own = _whole([*_both(snapshot, "signals", shapes)], np.int64)
    rules = _whole([shapes(texts) for texts in snapshot.rows("observations").columns("rules")], int)
    pairs = own * (len(known) + 1)
    pairs[: len(rules)] += rules + 1
    # There are few pairs: a table of them is faster than a sort.
    encoded = pa.array(pairs).dictionary_encode()
    order = np.argsort(encoded.dictionary.to_numpy())
    number = np.empty(len(order), np.uint32)
    number[order] = np.arange(len(order))
    classes = number[encoded.indices.to_numpy()]
    example = np.empty(len(order), np.uint32)
    # Reversed, so that the first entry of each class is written last.
    example[classes[::-1]] = np.arange(len(classes))[::-1]
    yield "entry-class.u32", classes
    yield "class-example.u32", example


def _distinct(texts: pa.Array) -> list[str]:
    return texts.dictionary.to_pylist() if pa.types.is_dictionary(texts.type) else []


def _indices(texts: pa.Array) -> NDArray[np.int64]:
    """Return the number of each row's text, NONE for null."""
    if not pa.types.is_dictionary(texts.type):
        return np.full(len(texts), NONE, np.int64)
    numbers = texts.indices.fill_null(NONE).to_numpy(zero_copy_only=False)
    return np.asarray(numbers, np.int64)


def _pictures_of_entries(snapshot: Content) -> Numbers:
    """Return the picture of each entry, or NONE."""
    ids = _numbers(snapshot.rows("pictures"), "id")
    parts = []
    for column in snapshot.entries.observations.columns("picture"):
        wanted = np.asarray(column.fill_null(NONE).to_numpy(zero_copy_only=False), np.int64)
        places = np.searchsorted(ids, wanted)
        parts.append(np.where(wanted == NONE, NONE, places))
    claims = snapshot.entries.claims
    hashed = [
        _mask(
            pc.or_(
                pc.or_(*(s.column(n).is_valid() for n in DIGESTS)), s.column("phash64").is_valid()
            )
        )
        for s in claims.segments()
    ]
    own = np.arange(snapshot.pictures.first_claim, len(snapshot.pictures))
    claimed = np.where(_whole(hashed, bool), own, NONE)
    seen = _seen_pictures(snapshot)
    claimed = np.where(seen == NONE, claimed, seen)
    return np.concatenate([_whole(parts, np.int64), claimed])


def _seen_pictures(snapshot: Content) -> Numbers:
    """Return for each claim the picture with its digest that was seen, or NONE.

    One with a fingerprint of its own is about a picture of its own, if the other has none.
    """
    claims, seen = snapshot.entries.claims, snapshot.rows("pictures")
    found = np.full(len(claims), NONE, np.int64)
    if not len(seen):
        return found
    named = _mask(_column(claims, "sha256").is_valid())
    for name, counts in (("sha256", named), ("md5", ~named)):
        ours, theirs = _column(claims, name), _column(seen, name)
        rows = np.flatnonzero(counts & _mask(ours.is_valid()))
        table, lists = build(digest_hashes(theirs), np.arange(len(theirs)), _equal(theirs))
        given = ours.take(pa.array(rows))

        def is_same(
            places: Numbers,
            numbers: Numbers,
            given: pa.Array = given,
            theirs: pa.Array = theirs,
            lists: Lists = lists,
        ) -> NDArray[np.bool_]:
            first = theirs.take(pa.array(lists.first(numbers)))
            return _mask(pc.equal(given.take(pa.array(places)), first))

        numbers = table.find(digest_hashes(given), is_same)
        has = numbers != NONE
        found[rows[has]] = lists.first(numbers[has])
    alone = _mask(_column(claims, "phash64").is_valid())
    fits = ~alone | _mask(_column(seen, "phash64").is_valid())[np.maximum(found, 0)]
    return np.where(fits, found, NONE)


def _urls(snapshot: Content) -> Arrays:
    """Yield the tables of entries by image URL and by page URL."""
    gone = _whole([*map(_mask, snapshot.entries.observations.columns("gone"))], bool)
    gone = np.concatenate([gone, np.zeros(len(snapshot.entries.claims), bool)])
    for name, column, texts in (
        ("url", "url", snapshot.entries.urls),
        ("page", "page_url", snapshot.entries.page_urls),
    ):
        keys = [*_both(snapshot, column, _hashes)]
        hashes = _whole([one for one, _ in keys], np.uint64)
        # A picture that is no longer served at its URL is not there, nor on the page.
        rows = np.flatnonzero(_whole([has for _, has in keys], bool) & ~gone)

        def are_equal(
            ours: Numbers, theirs: Numbers, texts: Callable[[Numbers], pa.Array] = texts
        ) -> NDArray[np.bool_]:
            return _mask(pc.equal(url_keys(texts(ours)), url_keys(texts(theirs))))

        yield from _table(name, *build(hashes[rows], rows, are_equal))
    yield from _sizes(snapshot, gone)


def _sizes(snapshot: Content, gone: NDArray[np.bool_]) -> Arrays:
    """Yield the table of entries whose picture has another key than their URL."""
    hashes, rows, start = [], [], 0
    for column in _both(snapshot, "url", key_column):
        own, keys = other_keys(column)
        hashes.append(keys.hashes)
        rows.append(own + start)
        start += len(column)
    every, there = _whole(rows, np.int64), ~gone[_whole(rows, np.int64)]

    def are_equal(ours: Numbers, theirs: Numbers) -> NDArray[np.bool_]:
        keys = (picture_keys(url_keys(snapshot.entries.urls(one))) for one in (ours, theirs))
        return _mask(pc.equal(*keys))

    yield from _table("size", *build(_whole(hashes, np.uint64)[there], every[there], are_equal))


def _hashes(urls: pa.Array) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    keys = key_column(urls)
    return keys.hashes, keys.has


def _digests(snapshot: Content, name: Digest, own: NDArray[np.bool_]) -> Arrays:
    """Yield the table of pictures by digest."""
    parts, rows, start = [], [], 0
    for kind, counted in (("pictures", None), ("claims", own)):
        for segment in snapshot.rows(kind).segments():
            column = segment.column(name)
            has = _mask(column.is_valid())
            if counted is not None:
                at = start - snapshot.pictures.first_claim
                has &= counted[at : at + len(column)]
            some = np.flatnonzero(has)
            parts.append(digest_hashes(column.take(pa.array(some))))
            rows.append(some + start)
            start += len(column)

    def are_equal(ours: Numbers, theirs: Numbers) -> NDArray[np.bool_]:
        digests = snapshot.pictures.digests
        return _mask(pc.equal(digests(name, ours), digests(name, theirs)))

    yield from _table(name, *build(_whole(parts, np.uint64), _whole(rows, np.int64), are_equal))


def _prints(snapshot: Content, own: NDArray[np.bool_]) -> Arrays:
    """Yield the tables of the distinct fingerprints of all pictures, and their pictures."""
    picture, codes = _all_prints(snapshot, own)
    if (picture[1:] < picture[:-1]).any():
        by_picture = np.argsort(picture, kind="stable")
        picture, codes = picture[by_picture], codes.take(by_picture)
    order, number = distinct(codes)
    first = np.flatnonzero(np.diff(number, prepend=-1))
    heads = order[first]
    known = codes.has_wide[heads]
    every = codes.phash64[heads]
    starts = np.flatnonzero(np.append(True, every[1:] != every[:-1])[: len(every)])
    different = every[starts]
    for place, table in enumerate(build_codes(different)):
        yield f"code{place}-starts.u32", table.starts
        yield f"code{place}-codes.u64", table.codes
        yield f"code{place}-rows.u32", table.rows
    yield "code-prints.u32", np.append(starts, len(first)).astype(np.uint32)
    yield "print-code.u64", every
    yield "print-wide.u32", np.where(known, np.cumsum(known), 0).astype(np.uint32)
    yield "wide-words.u64", np.ascontiguousarray(codes.phash256[heads[known]]).reshape(-1)
    ends = np.append(first, len(order)).astype(np.uint32)
    yield from _lists("print", Lists(ends, picture[order].astype(np.uint32)))
    of_print = np.empty(len(order), np.int64)
    of_print[order] = number
    yield from _lists("prints", group(picture, of_print, len(snapshot.pictures)))


def _all_prints(snapshot: Content, own: NDArray[np.bool_]) -> tuple[Numbers, PrintCodes]:
    """Return the picture and the bits of all fingerprints."""
    pictures, near, wide, has = [], [], [], []

    def add(segment_codes: tuple[pa.Array, pa.Array], numbers: Numbers) -> None:
        code, far = segment_codes
        known = np.flatnonzero(_mask(code.is_valid()) & (numbers != NONE))
        pictures.append(numbers[known])
        near.append(code.take(pa.array(known)).to_numpy())
        has.append(_mask(far.is_valid())[known])
        wide.append(words_of(far.take(pa.array(known[has[-1]]))))

    start = 0
    for kind in ("pictures", "claims"):
        for segment in snapshot.rows(kind).segments():
            numbers = np.arange(start, start + segment.rows)
            if kind == "claims":
                at = start - snapshot.pictures.first_claim
                numbers = np.where(own[at : at + segment.rows], numbers, NONE)
            add((segment.column("phash64"), segment.column("phash256")), numbers)
            start += segment.rows
    ids = _numbers(snapshot.rows("pictures"), "id")
    for segment in snapshot.rows("views").segments():
        owners = np.searchsorted(ids, segment.column("picture").to_numpy())
        add((segment.column("phash64"), segment.column("phash256")), owners)
    has_wide = _whole(has, bool)
    words = np.zeros((len(has_wide), 4), np.uint64)
    words[has_wide] = _whole([part.reshape(-1) for part in wide], np.uint64).reshape(-1, 4)
    codes = PrintCodes(_whole(near, np.uint64), words, has_wide)
    return _whole(pictures, np.int64), codes


def words_of(codes: pa.FixedSizeBinaryArray) -> NDArray[np.uint64]:
    """Return 256-bit codes without nulls as uint64 (n, 4), for counting differing bits only."""
    content = np.frombuffer(codes.buffers()[1] or b"", np.uint64).reshape(-1, 4)
    return content[codes.offset : codes.offset + len(codes)]


def digest_hashes(digests: pa.FixedSizeBinaryArray) -> NDArray[np.uint64]:
    """Return the first eight bytes of digests without nulls: they are as good as a hash."""
    width = digests.type.byte_width
    content = np.frombuffer(digests.buffers()[1] or b"", np.uint8)
    content = content[digests.offset * width : (digests.offset + len(digests)) * width]
    return np.ascontiguousarray(content.reshape(-1, width)[:, :8]).view("<u8").reshape(-1)


def _column(rows: Rows, name: str) -> pa.Array:
    return rows.column(name)


def _numbers(rows: Rows, name: str) -> Numbers:
    return np.asarray(rows.column(name).to_numpy(), np.int64)


def _equal(column: pa.Array) -> Callable[[Numbers, Numbers], NDArray[np.bool_]]:
    def are_equal(ours: Numbers, theirs: Numbers) -> NDArray[np.bool_]:
        return _mask(pc.equal(column.take(pa.array(ours)), column.take(pa.array(theirs))))

    return are_equal


def _mask(column: pa.Array) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = column.fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
    return mask
