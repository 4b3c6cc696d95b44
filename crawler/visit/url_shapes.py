"""What the addresses of one link trap have in common. Pure.

A shape is an address with what differs from page to page taken out: numbers, tokens that
look random (session ids, hashes), parameters, and repetitions of a part of the path. A
calendar, a filter and a path that keeps growing are one shape each; so are the pages of a
gallery, which are told from traps by the images they show.
"""

from __future__ import annotations

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
# Fewest characters of a session's token; ColdFusion's may be a number, beside one that counts.
_TOKEN_LENGTH, _NUMBER_TOKEN = 16, re.compile("[0-9]{8,}")
_MOST_REPEATED = 4
_NUMBER, _RANDOM = "0", "*"


def page_key(url: str) -> str:
    """Return an address as the same page is written in another way.

    Parameters are sorted; those that hold the token of a session, by name and value, are
    left out. A small number or a word is no token: `session_id=3` may be a lesson's page.
    """
    return _key(url, with_sessions=False)


def spelling_of(url: str) -> str:
    """Return an address as `page_key` does, with its sessions."""
    return _key(url, with_sessions=True)


def _key(url: str, *, with_sessions: bool) -> str:
    parts = urlsplit(url)
    pairs = sorted(parse_qsl(parts.query, keep_blank_values=True))
    path = parts.path or "/"
    if not with_sessions:
        pairs = _without_sessions(pairs)
        path = _PARAMETERS.sub(lambda found: _without_session(found.group()), path)
    query = "&".join(f"{name}={value}" for name, value in pairs)
    return f"{parts.scheme}://{parts.netloc.lower()}{path}?{query}"


def shape_of(url: str) -> str:
    """Return the shape of an address."""
    parts = urlsplit(url)
    segments = [_segment(part) for part in _PARAMETERS.sub("", parts.path).split("/")[1:]]
    path = "/".join(_without_repetitions(segments))
    return f"{host_of(url)}/{path}{'?' if parts.query else ''}"


def folder_of(url: str) -> str:
    """Return the shape of what an address stands in, for tokens that do not look random."""
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
    """Return whether a parameter holds the token of a session, by its name and value."""
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
    return _TOKEN.sub(lambda found: _token(found.group()), text)


def _token(text: str) -> str:
    if _looks_random(text):
        return _RANDOM
    return _DIGITS.sub(_NUMBER, text.lower())


def _looks_random(text: str) -> bool:
    """Return whether a token is no word and no number, as far as letters tell."""
    if text.isdigit():
        return False
    kinds = [c.isdigit() for c in text]
    mixed = sum(a != b for a, b in pairwise(kinds))
    cases = sum(a.islower() and b.isupper() for a, b in pairwise(text))
    return (
        _HEX.fullmatch(text) is not None
        or (len(text) >= 5 and mixed >= 2)
        or (len(text) >= 10 and cases >= 3)
        or (len(text) >= 8 and _CONSONANTS.search(text) is not None)
        or len(text) > 40
    )


def _without_repetitions(segments: list[str]) -> list[str]:
    """Return the segments with each part that follows itself written once."""
    for size in range(1, _MOST_REPEATED + 1):
        kept: list[str] = []
        for segment in segments:
            kept.append(segment)
            if kept[-size:] == kept[-2 * size : -size]:
                del kept[-size:]
        segments = kept
    return segments
