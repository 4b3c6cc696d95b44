"""From the columns of a batch to the keys to look up: URL keys, digests, fingerprints.

For every column it records the rows with values and the rows that were compared;
`registry.checking.complete` decides from that which rows may be clear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.checking import strays
from registry.checking.columns import ADDRESS_ROLES, Other, own_name
from registry.checking.complete import NOT_READ, OTHER_ALGORITHM, UNREADABLE, ColumnOffer
from registry.checking.file_points import is_tensor_of_points
from registry.checking.hash_family import ENOUGH, pass_singly
from registry.checking.hash_forms import (
    PRINT,
    SIZES,
    are_fingerprints,
    as_codes,
    as_hex,
    hashes,
    in_hex,
    pieces,
)
from registry.checking.keys import Keys, Mentions, Prints
from registry.checking.mentions import PERHAPS, PERHAPS_MORE, flattened
from registry.checking.nested import elements, flat
from registry.checking.strays import is_binary, is_text, plain
from registry.checking.text_pictures import bytes_of
from registry.checking.texts import fixed_binary, hex_bytes, mask, present, readable
from registry.datasets.hidden import MORE, UNREAD
from registry.datasets.json.rows import leaves
from registry.matching.distinct import PrintCodes, alone
from registry.matching.flat import flat_codes
from registry.model import DIGESTS, HASH_BYTES
from registry.urls.columns import key_column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.checking.columns import Choice, Columns
    from registry.model import Digest, Way
    from registry.pictures.reading import Hashed

# Several URLs in one value, as in a list written into one cell, or a URL with characters
# of the text around it, as the size in the `srcset` of a page.
NOT_ONE = (
    r"[^\s|,;][\s|,;]+[\"']?(?i:https?:)?//|[\"<>]\s*$|^[^(]*\)\s*$"
    r"|[^\s|,;]\s+[0-9.]{1,7}[wxh]\s*(?:,|$)"
)
HashPictures = Callable[[Sequence[bytes | None]], Sequence["Hashed"]]


def extract(batch: pa.RecordBatch, columns: Columns, hash_pictures: HashPictures) -> Keys:
    """Return the keys of a batch."""
    keys = Keys(batch.num_rows)
    _take_hidden(keys, batch)
    batch = flat(batch, columns.roots)
    for choice in columns.choices:
        if choice.role or choice.doubt:
            _take_elements(keys, choice, plain(batch.column(choice.column)), hash_pictures)
    for other in columns.others:
        column = batch.column(other.column)
        if is_tensor_of_points(column.type):
            _doubted(keys, plain(column), NOT_READ)
            keys.not_read[other.column] += len(column) - column.null_count
        else:
            _take_other(keys, other, plain(column))
    return keys


def _take_hidden(keys: Keys, batch: pa.RecordBatch) -> None:
    """Add the reasons why rows could not be read, and the values that have no column."""
    if UNREAD in batch.schema.names:
        keys.unread = batch.column(UNREAD)
        held = mask(keys.unread.is_valid())
        keys.offers.append(ColumnOffer(held, np.zeros(keys.rows, bool), UNREADABLE))
    if MORE in batch.schema.names:
        for column in leaves(batch.column(MORE)):
            _take_other(keys, Other(MORE), column)


def _take_elements(
    keys: Keys, choice: Choice, column: pa.Array, hash_pictures: HashPictures
) -> None:
    """Add the keys of one column; of lists, those of each element."""
    if choice.role is None:
        _take(keys, choice, column, hash_pictures)
        return
    columns, too_many = elements(column)
    for one in columns:
        if choice.joined:
            text, broken = readable(one)
            for part in pieces(text):
                _phashes(keys, choice, part, broken)
        else:
            _take(keys, choice, one, hash_pictures)
    if too_many.any():
        keys.not_read[choice.column] += int(too_many.sum())
        keys.offers.append(ColumnOffer(too_many, np.zeros(keys.rows, bool), NOT_READ))


def _take(keys: Keys, choice: Choice, column: pa.Array, hash_pictures: HashPictures) -> None:
    """Add the keys of one column with a role or a doubt."""
    if choice.role is None:
        _doubted(keys, column, str(choice.doubt))
    elif choice.role == "image":
        column, named = _with_bytes(keys, choice.column, column)
        _pictures(keys, column, named, hash_pictures)
    elif pa.types.is_integer(column.type):
        text, broken = readable(as_hex(column))
        _phashes(keys, choice, text, broken)
    elif is_text(column.type) or choice.role in ADDRESS_ROLES:
        text, broken = readable(column)
        if choice.role == "phash64":
            _phashes(keys, choice, in_hex(text, PRINT), broken)
        elif choice.role in DIGESTS:
            _hex_digests(keys, choice.role, in_hex(text, HASH_BYTES[choice.role]), broken)
        else:
            _urls(keys, choice.role, text, broken)
        if choice.role == "source_url":
            _note_not_read(keys, choice.column, column)
    elif choice.role in DIGESTS:
        _binary_digests(keys, choice.role, column)
    elif choice.role == "phash64":
        codes = (None if value is None else value.hex() for value in column.to_pylist())
        _phashes(keys, choice, pa.array(codes, pa.string()), np.zeros(keys.rows, bool))


def _take_other(keys: Keys, other: Other, column: pa.Array) -> None:
    """Add the URLs and digests of a column without a role; record forms that are not read."""
    for rows, leaf in strays.nested_texts(column):
        _mentioned(keys, leaf, strays.matches(leaf, PERHAPS), rows)
    if is_text(column.type) or is_binary(column.type):
        held = _stray_addresses(keys, other, column)
        _mentioned(keys, column, strays.matches(column, PERHAPS) & ~held)
        _stray_hashes(keys, other.column, column)
    if other.by_forms:
        _note_not_read(keys, other.column, column)


def _note_not_read(keys: Keys, name: str, column: pa.Array) -> None:
    """Record the rows with keys or pictures in a form that is not read."""
    hidden = strays.not_read(own_name(name), column)
    if hidden.any():
        keys.not_read[name] += int(hidden.sum())
        keys.offers.append(ColumnOffer(hidden, np.zeros(keys.rows, bool), NOT_READ))


def _stray_addresses(keys: Keys, other: Other, column: pa.Array) -> NDArray[np.bool_]:
    """Add the values that are entirely a URL; return a mask of these rows."""
    held = strays.matches(column, strays.ADDRESS)
    if not held.any():
        return held
    text, _ = readable(pc.if_else(pa.array(held), column, None))
    role = {"page": "page_url", "picture": "", "any": "source_url"}[other.addressed]
    return _urls(keys, role, text, held & ~mask(text.is_valid()), NOT_READ)


def _mentioned(
    keys: Keys,
    column: pa.Array,
    where: NDArray[np.bool_],
    rows: NDArray[np.int64] | None = None,
) -> None:
    """Add the URLs within some values; `rows` are their rows, None: one value for each row."""
    if not where.any():
        return
    chosen = np.flatnonzero(where)
    text, _ = readable(column.take(pa.array(chosen)))
    places, urls = flattened(text)
    if urls:
        rows = chosen if rows is None else rows[chosen]
        keys.others.append(Mentions(rows[places], key_column(pa.array(urls, pa.string()))))


def _stray_hashes(keys: Keys, name: str, column: pa.Array) -> None:
    """Add the values that are digests, or whose bits look like fingerprints."""
    rows = np.flatnonzero(strays.can_be_hashes(column))
    values = column.take(pa.array(rows)).cast(pa.binary()).to_pylist()
    codes = [
        (row, code) for row, v in zip(rows.tolist(), values, strict=True) for code in hashes(v)
    ]
    for size, role in SIZES.items():
        if of_size := {row: code for row, code in codes if len(code) == size}:
            digests = pa.array([of_size.get(row) for row in range(keys.rows)], pa.binary(size))
            held = mask(digests.is_valid())
            keys.digests.append((role, digests))
            keys.offers.append(ColumnOffer(held, held, NOT_READ, names_picture=False))
    if short := {row: code for row, code in codes if len(code) == PRINT}:
        _stray_fingerprints(keys, name, np.array([*short]), as_codes([*short.values()]))


def _stray_fingerprints(
    keys: Keys, name: str, rows: NDArray[np.int64], codes: NDArray[np.uint64]
) -> None:
    """Add values whose bits look like fingerprints; few such values may be so by chance."""
    if not are_fingerprints(codes):
        return
    keys.prints.append(Prints(rows, np.ones(len(codes), bool), alone(codes)))
    held, compared = np.zeros(keys.rows, bool), np.zeros(keys.rows, bool)
    held[rows] = True
    if len(codes) >= ENOUGH:
        compared[rows] = pass_singly(codes)
    keys.not_read[name] += int((held & ~compared).sum())
    keys.offers.append(ColumnOffer(held, compared, NOT_READ, names_picture=False))


def _doubted(keys: Keys, column: pa.Array, reason: str) -> None:
    """Record the rows with a value that cannot be compared."""
    held = mask(column.is_valid())
    if pa.types.is_string(column.type) or pa.types.is_list(column.type):
        lengths = pc.binary_length if pa.types.is_string(column.type) else pc.list_value_length
        held &= mask(pc.greater(lengths(column), 0))
    keys.offers.append(ColumnOffer(held, np.zeros(keys.rows, bool), reason))


def _urls(
    keys: Keys, role: str, text: pa.Array, broken: NDArray[np.bool_], why_not: str | None = None
) -> NDArray[np.bool_]:
    """Add URLs of pictures, of pages, or of both for an unclear column.

    URLs in other roles are only looked up as those of pictures. Returns a mask of the rows
    with a URL.
    """
    urls = key_column(text)
    more = _matching(text, urls.odd, PERHAPS_MORE)
    # As one URL such a value would mean something else.
    mixed = _matching(text, more, NOT_ONE)
    urls = urls.without(mixed)
    valid = urls.has
    _mentioned(keys, text, more | ~valid)
    if role in ("url", "source_url"):
        keys.urls.append(urls)
    else:
        rows = np.flatnonzero(valid)
        keys.others.append(Mentions(rows, urls.take(rows)))
    if role in ("page_url", "source_url"):
        keys.pages.append(urls)
    # An unclear column may hold other texts, too; they are no keys.
    offered = valid | mixed
    if role not in ("source_url", "") and not offered.all():
        others = np.flatnonzero(~offered)
        offered[others] = present(text.take(pa.array(others)))
    why_not = why_not or f"bad-{role}"
    # URLs of licences and persons do not name the page either.
    if role or not valid.all():
        keys.offers.append(
            ColumnOffer(offered | broken, valid, why_not, names_picture=role == "url")
        )
    return valid


def _matching(text: pa.Array, where: NDArray[np.bool_], pattern: str) -> NDArray[np.bool_]:
    """Return a mask of the texts among some rows that match a regular expression."""
    matching = np.zeros(len(text), bool)
    rows = np.flatnonzero(where)
    if len(rows):
        matching[rows] = strays.matches(text.take(pa.array(rows)), pattern)
    return matching


def _hex_digests(keys: Keys, role: Digest, text: pa.Array, broken: NDArray[np.bool_]) -> None:
    valid, content = hex_bytes(text, 2 * HASH_BYTES[role])
    keys.digests.append((role, fixed_binary(valid, content, HASH_BYTES[role])))
    keys.offers.append(ColumnOffer(present(text) | broken, valid, f"bad-{role}", way=_way(role)))


def _binary_digests(keys: Keys, role: Digest, column: pa.Array) -> None:
    size = HASH_BYTES[role]
    fits = [v if v is not None and len(v) == size else None for v in column.to_pylist()]
    digests = pa.array(fits, pa.binary(size))
    keys.digests.append((role, digests))
    given, read = mask(column.is_valid()), mask(digests.is_valid())
    keys.offers.append(ColumnOffer(given, read, f"bad-{role}", way=_way(role)))


def _way(role: str) -> Way:
    return "sha256" if role == "sha256" else "md5"


def _phashes(keys: Keys, choice: Choice, text: pa.Array, broken: NDArray[np.bool_]) -> None:
    """Add hashes; for those of another algorithm, "no match" does not count as compared."""
    valid, content = hex_bytes(text, 2 * HASH_BYTES["phash64"])
    codes = np.zeros(keys.rows, np.uint64)
    codes[valid] = content.view(">u8").reshape(-1)
    flat = valid & np.isin(codes, np.array(flat_codes(64), np.uint64))
    has = valid & ~flat
    keys.prints.append(Prints(np.arange(keys.rows), has, alone(codes)))
    reasons = [(flat, "unfit-phash64"), (has, OTHER_ALGORITHM)]
    compared = has.copy() if choice.doubt is None else np.zeros(keys.rows, bool)
    if not choice.by_hand:
        compared[has] &= pass_singly(codes[has])
    keys.offers.append(
        ColumnOffer(present(text) | broken, compared, "bad-phash64", reasons, way="fingerprint")
    )


def _with_bytes(keys: Keys, name: str, column: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Return pictures as bytes, and a mask of the rows that name one without its bytes."""
    if pa.types.is_struct(column.type):
        return _out_of_struct(keys, name, column)
    if not is_text(column.type):
        return column, np.zeros(keys.rows, bool)
    content = bytes_of(column)
    return content, present(column) & ~mask(content.is_valid())


def _pictures(
    keys: Keys,
    column: pa.Array,
    named: NDArray[np.bool_],
    hash_pictures: HashPictures,
) -> None:
    """Hash the pictures, and add their digests and fingerprints.

    They are added to those of other columns: a dataset may hold re-encoded pictures
    together with the hashes of the original files.
    """
    hashed = hash_pictures(column.to_pylist())
    keys.prints.append(_prints(hashed))
    problems = np.array([answer.problem or "" for answer in hashed], object)
    reasons = [(problems == word, str(word)) for word in sorted(set(problems) - {""})]
    given = mask(column.is_valid())
    compared = given & (problems == "") & np.array([bool(a.prints) for a in hashed], bool)
    keys.offers.append(
        ColumnOffer(given | named, compared, "image-not-embedded", reasons, way="picture")
    )
    for role in DIGESTS:
        values = [getattr(answer, role) for answer in hashed]
        keys.digests.append((role, pa.array(values, pa.binary(HASH_BYTES[role]))))


def _prints(hashed: Sequence[Hashed]) -> Prints:
    """Return the fingerprints of all views of all pictures."""
    views = [(row, *codes) for row, answer in enumerate(hashed) for codes in answer.prints]
    has = np.ones(len(views), bool)
    words = np.frombuffer(b"".join(wide for _, _, wide in views), np.uint64).reshape(-1, 4)
    codes = PrintCodes(np.array([code for _, code, _ in views], np.uint64), words, has)
    return Prints(np.array([row for row, _, _ in views], np.int64), has, codes)


def _out_of_struct(
    keys: Keys, name: str, column: pa.StructArray
) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Return the bytes of a struct of bytes and path, and a mask of the rows with a path.

    The path, which may be a URL, and other fields are looked up like other columns.
    """
    named = np.zeros(len(column), bool)
    for part, values in zip(column.type.fields, column.flatten(), strict=True):
        if part.name == "path":
            named = mask(values.is_valid())
        if part.name != "bytes":
            _take_other(keys, Other(f"{name}.{part.name}"), plain(values))
    return pc.struct_field(column, "bytes"), named
