"""Shapes of URLs, which all URLs of a link trap have in common. Pure.

A shape is a URL without the parts that differ between pages: numbers, tokens that look
random (session ids, hashes), parameters, and repeated parts of the path. A calendar, a
filter and a path that keeps growing each have one shape; so do the pages of a gallery,
which differ from traps by the images they show.
"""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

from registry.urls.key import host_of

_TOKEN = re.compile(r"[A-Za-z0-9]+")
_DIGITS = re.compile(r"[0-9]+")
_HEX = re.compile(r"(?=[a-f]*[0-9])[0-9a-f]{8,}", re.IGNORECASE)
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{5,}", re.IGNORECASE)
_PARAMETERS = re.compile(r";[^/]*")
_SESSIONS = re.compile(
    r"(?:jsessionid|phpsessid|aspsessionid\w*|session_?id|oscsid|zenid|cfid|cftoken)", re.IGNORECASE
)
# Least length of a session token; ColdFusion's CFTOKEN may be a number.
_TOKEN_LENGTH, _NUMBER_TOKEN = 16, re.compile("[0-9]{8,}")
# WordPress's links to answer a comment lead to the page itself, with its form at another place.
_COMMENT = "replytocom"
_MOST_REPEATED = 4
_NUMBER, _RANDOM = "0", "*"


def page_key(url: str) -> str:
    """Return a key that is equal for the URLs of one page.

    Parameters are sorted; session tokens, recognised by name and value, are removed, and the
    number of the comment that is to be answered. A small number or a word is not a token:
    `session_id=3` may be the page of a lesson.
    """
    return _key(url, with_sessions=False)


def page_name(url: str) -> bytes:
    """Return 16 bytes that are equal for the URLs of one page."""
    return hashlib.sha256(page_key(url).encode(errors="surrogatepass")).digest()[:16]


def spelling_of(url: str) -> str:
    """Return the key of a URL as `page_key` does, but with all its parameters."""
    return _key(url, with_sessions=True)


def _key(url: str, *, with_sessions: bool) -> str:
    parts = urlsplit(url)
    pairs = sorted(parse_qsl(parts.query, keep_blank_values=True))
    path = parts.path or "/"
    if not with_sessions:
        pairs = _without_sessions(pairs)
        path = _PARAMETERS.sub(lambda match: _without_session(match.group()), path)
    query = "&".join(f"{name}={value}" for name, value in pairs)
    return f"{parts.scheme}://{parts.netloc.lower()}{path}?{query}"


def shape_of(url: str) -> str:
    """Return the shape of a URL."""
    parts = urlsplit(url)
    segments = [_segment(part) for part in _PARAMETERS.sub("", parts.path).split("/")[1:]]
    path = "/".join(_without_repetitions(segments))
    return f"{host_of(url)}/{path}{'?' if parts.query else ''}"


def folder_of(url: str) -> str:
    """Return the shape of a URL's folder, for random names that do not look random."""
    host, _, path = shape_of(url).partition("/")
    return f"{host}/{path.rstrip('?/').rpartition('/')[0]}/{_RANDOM}/"


def _without_session(parameter: str) -> str:
    name, _, value = parameter[1:].partition("=")
    return "" if _is_session(name, value) else parameter


def _without_sessions(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    kept = [(name, value) for name, value in pairs if not _is_session(name, value)]
    if any(name.lower() == "cftoken" for name, _ in set(pairs).difference(kept)):
        kept = [(name, value) for name, value in kept if name.lower() != "cfid"]
    return kept


def _is_session(name: str, value: str) -> bool:
    """Return whether a parameter names a session or a comment, not a page, by name and value."""
    if name == _COMMENT:
        return value.isdecimal()
    if not _SESSIONS.fullmatch(name):
        return False
    if name.lower() == "cftoken" and _NUMBER_TOKEN.fullmatch(value):
        return True
    # A UUID is one token.
    bare = value.replace("-", "")
    if len(bare) >= _TOKEN_LENGTH and _HEX.fullmatch(bare) and not bare.isdigit():
        return True
    tokens = _TOKEN.findall(value)
    return any(len(text) >= _TOKEN_LENGTH and _looks_random(text) for text in tokens)


def _segment(text: str) -> str:
    return _TOKEN.sub(lambda match: _token(match.group()), text)


def _token(text: str) -> str:
    if _looks_random(text):
        return _RANDOM
    return _DIGITS.sub(_NUMBER, text.lower())


def _looks_random(text: str) -> bool:
    """Return whether a token looks like neither a word nor a number."""
    if text.isdigit():
        return False
    digits = [c.isdigit() for c in text]
    mixed = sum(a != b for a, b in pairwise(digits))
    cases = sum(a.islower() and b.isupper() for a, b in pairwise(text))
    return (
        _HEX.fullmatch(text) is not None
        or (len(text) >= 5 and mixed >= 2)
        or (len(text) >= 10 and cases >= 3)
        or (len(text) >= 8 and _CONSONANTS.search(text) is not None)
        or len(text) > 40
    )


def _without_repetitions(segments: list[str]) -> list[str]:
    """Return the segments with each repeated run written once."""
    for size in range(1, _MOST_REPEATED + 1):
        kept: list[str] = []
        for segment in segments:
            kept.append(segment)
            if kept[-size:] == kept[-2 * size : -size]:
                del kept[-size:]
        segments = kept
    return segments
