"""The claim of a row of a table. Pure.

A column that is missing, empty or null has no value. Any other value is either parsed,
or refused with the column, the value and the expected form; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, get_args

from registry.claims.columns import KEYS, short
from registry.errors import UnreadableInput
from registry.matching.flat import is_flat
from registry.model import HASH_BYTES, Claim, Meaning, Use
from registry.urls.hosts import fits_dns
from registry.urls.key import host_of, url_key

CONVERT = "convert it: iconv -f WINDOWS-1252 -t UTF-8 FILE"
HEX_DIGITS = {name: 2 * size for name, size in HASH_BYTES.items()}
MOST_PIXELS_A_SIDE = 2**31 - 1
_BESIDE_HOST = re.compile(r"[/?#@\\]")
_LINE_BREAKS = str.maketrans("\t\n\r", "   ")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class UnreadableRow(UnreadableInput):
    """A row of a table cannot be read."""


class NotUtf8(UnreadableRow):
    """A line holds bytes that are not UTF-8."""

    hint = CONVERT


def claim_from_row(
    row: Mapping[str, object],
    source: str,
    *,
    meaning: Meaning = "reserved",
    claimant: str | None = None,
) -> Claim:
    """Return the claim of a row; `source`, `meaning` and `claimant` are its defaults.

    `row` maps columns in lower case to values; columns that are not in COLUMNS are
    ignored, and so are flat fingerprints (see `is_flat`). Raises UnreadableRow.
    """
    values: dict[str, Any] = {"source": source, "meaning": meaning, "claimant": claimant}
    for column, value in row.items():
        if column in _PARSERS and not is_blank(value):
            try:
                values[column] = _PARSERS[column](value)
            except (ValueError, OverflowError) as error:
                shown = short(repr(value))
                raise UnreadableRow(f"column {column}: {shown}: expected {error}") from None
    hashes = [column for column in values if column.startswith("phash")]
    left_out = {column: values.pop(column) for column in hashes if is_flat(values[column])}
    if not any(key in values for key in KEYS):
        raise UnreadableRow(_no_key(left_out))
    if "path_pattern" in values and "site" not in values:
        raise UnreadableRow("column path_pattern: column site is needed, too")
    return Claim(**values)


def makes_claim(row: Mapping[str, object]) -> bool:
    """Return whether `claim_from_row` returns a claim for this row."""
    try:
        claim_from_row(row, "")
    except UnreadableRow:
        return False
    return True


def _no_key(left_out: Mapping[str, str]) -> str:
    for column, digits in left_out.items():
        return f"column {column}: {digits} is unfit: every picture of one colour has this hash"
    return f"nothing to match by: expected a value in one of {', '.join(KEYS)}"


def is_blank(value: object) -> bool:
    """Return whether a table's value is empty: null, NaN, or only whitespace."""
    if isinstance(value, str | bytes):
        return not value.strip()
    # Only NaN, which tables use for "no value", is not equal to itself.
    return value is None or value != value  # noqa: PLR0124


def checked_line(text: str) -> str:
    """Return text for a source or claimant; raise ValueError with the expected form."""
    if is_blank(text):
        raise ValueError("text that is not empty")
    return _line(text)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise ValueError("text in UTF-8") from None
    if isinstance(value, bool | Mapping | list):
        raise ValueError("text")
    text = str(value).strip()
    if _LONE_SURROGATE.search(text):
        raise ValueError("Unicode text without lone surrogates")
    return text


def _line(value: object) -> str:
    """Return text; raise ValueError for control characters, which a terminal would obey."""
    text = _text(value)
    if _CONTROL.search(text):
        raise ValueError("text without control characters")
    return text


def _quote(value: object) -> str:
    """Return quoted text, which may have several lines."""
    text = _text(value)
    _line(text.translate(_LINE_BREAKS))
    return text


def _hex(length: int) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if isinstance(value, bytes) and len(value) == length // 2:
            return value.hex()
        text = value.strip().lower() if isinstance(value, str) else ""
        if len(text) != length or text.strip("0123456789abcdef"):
            raise ValueError(f"text of {length} hex digits")
        return text

    return parse


def _url(value: object) -> str:
    text = _line(value)
    if not re.match(r"https?://", text, re.IGNORECASE) or url_key(text) is None:
        raise ValueError("a URL that starts with http:// or https:// and a host")
    if text.endswith('"'):
        raise ValueError("a URL without a quotation mark at its end (or %22 for it)")
    return text


def _site(value: object) -> str:
    """Return a host as URL keys spell it, with its port unless it is the scheme's default."""
    text = _line(value)
    scheme, named, rest = text.partition("://")
    if not named:
        scheme, rest = "http" if text.endswith(":80") else "https", text
    host = host_of(f"{scheme}://{rest}")
    # Apart from a final slash, other parts of a URL are refused.
    if host is None or _BESIDE_HOST.search(rest.rstrip("/")) or not fits_dns(host):
        raise ValueError("a host such as example.org (paths go into path_pattern)")
    return host


def _path_pattern(value: object) -> str:
    text = _line(value)
    if not text.startswith(("/", "*")):
        raise ValueError("a pattern that starts with / (RFC 9309, section 2.2.2)")
    return text


def _side(value: object) -> int:
    text = _text(value)
    # Tables without missing integers store integers as floats.
    if not re.fullmatch(r"[0-9]{1,10}(\.0*)?", text, re.ASCII):
        raise ValueError("a number of pixels")
    number = int(text.partition(".")[0])
    if not 0 < number <= MOST_PIXELS_A_SIDE:
        raise ValueError("a number of pixels")
    return number


def _one_of(allowed: Sequence[str]) -> Callable[[object], str]:
    def parse(value: object) -> str:
        text = _text(value).lower()
        if text not in allowed:
            raise ValueError("one of " + ", ".join(allowed))
        return text

    return parse


def _moment(value: object) -> datetime:
    """Return a time with a zone: UTC if it has none, midnight for a date."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        try:
            value = datetime.fromisoformat(_text(value))
        except ValueError:
            raise ValueError("a time in ISO 8601, such as 2024-05-31T12:00:00Z") from None
    if not 1970 <= value.year <= 9000:
        raise ValueError("a time from 1970 on")
    return value if value.tzinfo else value.replace(tzinfo=UTC)


_PARSERS: dict[str, Callable[[object], object]] = {
    **{column: _hex(length) for column, length in HEX_DIGITS.items()},
    **dict.fromkeys(("url", "page_url", "licence_url"), _url),
    **dict.fromkeys(("width", "height"), _side),
    **dict.fromkeys(("signal", "source", "claimant"), _line),
    "evidence": _quote,
    "site": _site,
    "path_pattern": _path_pattern,
    "meaning": _one_of(get_args(Meaning)),
    "use": _one_of(get_args(Use)),
    "observed_at": _moment,
}
