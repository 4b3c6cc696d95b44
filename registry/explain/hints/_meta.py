"""The correct form of misspelt meta tags. Pure."""

from __future__ import annotations

import html
import re

from registry.agents.known import agents
from registry.explain.hints._spelling import (
    AROUND,
    QUOTES_TO_PLAIN,
    REFUSAL_NAMES,
    RESERVATION,
    RESERVATION_KEYS,
    ROBOTS_NAMES,
    YES,
    directives,
    letters,
)

# Most characters of a tag that are examined: marks are short.
MAX_TAG = 400
# Only tags with such text are examined.
WORTH = re.compile(r"no[-_ ]{0,2}(?:ai|ml|image)|tdm[-_ ]?reserv", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"([a-z][a-z0-9_:-]*+)(?:\s{0,9}=\s{0,9}(?:\"([^\"]*+)(?:\"|$)|'([^']*+)(?:'|$)|([^\s\"'>]*+)))?+",
    re.IGNORECASE,
)


def meant(text: str) -> str:
    """Return the correct form of a tag; empty if it is not meant as a refusal.

    `text` begins with `<meta`; it is read to its first `>` or `<`, and at most MAX_TAG characters.
    """
    inner = re.split("[<>]", text[len("<meta") : MAX_TAG], maxsplit=1)[0].rstrip(" /")
    # Curly quotes may be used instead of plain ones, or within them.
    for written in (inner.translate(QUOTES_TO_PLAIN), inner):
        given = _attributes(written)
        if corrected := _robots(given) or _reservation(given):
            return corrected
    return ""


def _attributes(text: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(text):
        given.setdefault(name.lower(), html.unescape(double or single or bare))
    return given


def _robots(given: dict[str, str]) -> str:
    content = given.get("content") or given.get("value") or ""
    name = _first(given, "name", "property", "http-equiv")
    words = directives(content)
    if letters(name) in REFUSAL_NAMES and (words or content.strip(AROUND).lower() in YES):
        return _tag("robots", directives(name.replace("x-", "")) or words)
    if not name and "robots" in given:
        words = directives(given["robots"])
    elif not name and not content:
        words = directives(", ".join(key for key in given if letters(key) in REFUSAL_NAMES))
    if name.lower() in agents().purpose:
        return _tag(name, words)
    return _tag("robots", words) if not name or letters(name) in ROBOTS_NAMES else ""


def _reservation(given: dict[str, str]) -> str:
    name = _first(given, "name", "property", "http-equiv")
    value = (given.get("content") or given.get("value") or "").strip(AROUND).lower()
    if letters(name) in RESERVATION_KEYS and value in {"1", "true", "yes"}:
        return f'<meta name="{RESERVATION}" content="1">'
    return ""


def _first(given: dict[str, str], *names: str) -> str:
    return next((text for name in names if (text := given.get(name, "").strip(AROUND))), "")


def _tag(name: str, words: tuple[str, ...]) -> str:
    return f'<meta name="{name}" content="{", ".join(words)}">' if words else ""
