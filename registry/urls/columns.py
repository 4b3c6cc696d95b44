"""URL keys of whole columns: the rows that are normal already in bulk, the rest one by one.

Equals `url_key` row by row. In web-scale lists nine URLs of ten are in normal
form but for their scheme, which two passes of a regular expression show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from registry.urls.key import INVISIBLE_ENCODED, url_key
from registry.urls.tracking import NAMES, PREFIXES

if TYPE_CHECKING:
    import pyarrow as pa

    Column: TypeAlias = pa.Array | pa.ChunkedArray

# Escapes that `url_key` leaves: upper-case hex of anything but unreserved characters.
_ESCAPE = r"%(?:[0189A-F][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[B-DF])"
# A name whose last label begins with a letter, or four decimal numbers; others are parsed.
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_HOST = rf"(?:(?:[a-z0-9_-]+\.)*[a-z_-][a-z0-9_-]*|(?:{_OCTET}\.){{3}}{_OCTET})"
_CHARACTER = r"[A-Za-z0-9\-._~!$&()*+,;=:@/"
_NORMAL = rf"^https?://{_HOST}/(?:{_CHARACTER}']|{_ESCAPE})*(?:\?(?:{_CHARACTER}?]|{_ESCAPE})+)?$"
# Dot segments (or names that begin with a dot), ampersands as pages write them, parameters that
# are empty or for tracking, and invisible characters: to be looked at.
_TRACKING = "|".join([*PREFIXES, *(rf"{name}(?:[=&]|$)" for name in sorted(NAMES))])
_PERHAPS_NOT = rf"(?i)/\.|&amp;|[?&](?:&|$|{_TRACKING})|{INVISIBLE_ENCODED}"


def url_keys(column: Column) -> pa.Array:
    """Return `url_key` of every row as a string array; null where there is no key.

    Takes any string-like column, dictionary-encoded or not, in pieces of at
    most 2 GB of text. Rows that are null stay null.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    text = _flat(pc.cast(column, pa.string()))
    normal = pc.and_not(
        pc.match_substring_regex(text, _NORMAL), pc.match_substring_regex(text, _PERHAPS_NOT)
    )
    # `https://x` and `http://x` lose five characters, and the first its colon
    keys = pc.utf8_ltrim(pc.utf8_slice_codeunits(text, 5), ":")
    other = pc.fill_null(pc.invert(normal), False)
    rest = [url_key(url) for url in text.filter(other).to_pylist()]
    return pc.replace_with_mask(keys, other, pa.array(rest, pa.string()))


def hosts_of_keys(keys: Column) -> pa.Array:
    """Return the `host` or `host:port` that each key (of `url_keys`) begins with."""
    import pyarrow.compute as pc

    return _flat(pc.replace_substring_regex(keys, r"^//([^/]*)(?s:.*)$", r"\1"))


def _flat(column: Column) -> pa.Array:
    import pyarrow as pa

    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
