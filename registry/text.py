"""Makes other people's text safe to show. Pure."""

from __future__ import annotations

import re

MAX_QUOTE = 200
_USER = re.compile(r"(?i)^(https?://)[^/?#]*@")


def visible(text: str) -> str:
    """Return text with control characters, and characters that cannot be encoded, escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def without_user(url: str) -> str:
    """Return a URL without user name and password, to be shown or sent."""
    return _USER.sub(r"\1", url)


def quote(text: str) -> str:
    """Return text quoted for a warning: shortened, with control characters escaped."""
    short = text if len(text) <= MAX_QUOTE else text[:MAX_QUOTE] + "..."
    return repr(short)


def number_of(count: int, noun: str) -> str:
    """Return a number with its noun: 1 site, 2,000 sites."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
