"""The grammar that `X-Robots-Tag` and robots meta tags share.

    list      = element *( "," element )
    element   = [ agent ":" ] directive | valued ":" value

Names are compared in lower case. An agent prefix governs its element and all
that follow in the same list. Sources: Google's robots meta tag documentation,
draft-illyes-repext-03 (April 2026), DeviantArt journal 934500371 (November
2022) for `noai` and `noimageai`, the NoML open letter (2023) for `noml`,
draft-canel-robots-ai-control-00 (October 2024) for `DisallowAITraining`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from registry.agents.known import TRAINING
from registry.model import Conformance, Meaning, Use
from registry.text import quote

_INDEX: tuple[tuple[Use, Meaning], ...] = (("index", "reserved"), ("search", "reserved"))

USES: dict[str, tuple[tuple[Use, Meaning], ...]] = {
    "noai": TRAINING,
    "noimageai": TRAINING,
    "noml": TRAINING,
    "notrain": TRAINING,
    "disallowaitraining": TRAINING,
    "noindex": _INDEX,
    "noimageindex": _INDEX,
    "none": _INDEX,
    # Only Bing and Amazon read these as a word on training: see registry.verdict.
    "noarchive": (),
    "nocache": (),
}
# Words outside current documents, and why they are.
_LEGACY = {
    "notrain": "seen in headers, but no document defines this word",
    "disallowaitraining": "a draft's word, and the draft expired in April 2025",
}
AGAINST_TRAINING = frozenset(name for name, uses in USES.items() if uses == TRAINING)
_PLAIN_REFUSALS = AGAINST_TRAINING - _LEGACY.keys()

_VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_AGENT = re.compile(r"[a-z_-][a-z_\-0-9.]*")
# Written in front of a directive by people who meant everybody.
_NOT_AGENTS = AGAINST_TRAINING | {"robots", "x-robots-tag"}
_WORDS = re.compile(r"[a-z0-9_-]+")
# `no-ai`, `no_image_ai`, `no ai`: nobody's words, and plain all the same.
_MISSPELT = re.compile(r"(?<![a-z0-9_-])no[-_ ]?(image)?[-_ ]?ai(?![a-z0-9_-])")

MAX_LIST = 8192
# A site writes the same few short lists on everything it serves.
_REMEMBERED = 256
MAX_MISSPELT = 20
MAX_RAW = 4096


@dataclass(frozen=True, slots=True)
class Mark:
    """One directive as it was read; `agent` None means everybody.

    `fault` says what is wrong with a mark that is not `ok`.
    """

    name: str
    agent: str | None = None
    conformance: Conformance = "ok"
    fault: str = ""


def marks(value: str) -> tuple[Mark, ...]:
    """Read one list of directives: one header line's value or one content attribute.

    Of a list longer than `MAX_LIST` characters the whole elements before that are read.
    """
    if len(value) <= _REMEMBERED:
        return _short(value)
    if len(value) > MAX_LIST:
        value = value[:MAX_LIST].rpartition(",")[0]
    return tuple(_marks(value))


@lru_cache(maxsize=2048)
def _short(value: str) -> tuple[Mark, ...]:
    return tuple(_marks(value))


def too_long(value: str, what: str) -> list[str]:
    """Return the warning for a list that is not read to its end."""
    if len(value) <= MAX_LIST:
        return []
    return [f"{what} longer than {MAX_LIST} characters, read up to there"]


def _marks(value: str) -> Iterator[Mark]:
    agent: str | None = None
    refused_at_prefix = False
    for element in value.split(","):
        prefix, directive = _split(element.strip().lower())
        if prefix in _VALUED:
            continue
        if prefix is not None and not _names_agent(prefix):
            # A part of a date, or a mark that only looks like a prefix.
            yield from _unreadable(element, agent)
            continue
        if prefix is not None:
            agent, refused_at_prefix = prefix, directive in AGAINST_TRAINING
        if directive.partition(":")[0].strip() in _VALUED:
            continue
        yield from _element(directive, agent)
        if agent is not None and not refused_at_prefix and directive in AGAINST_TRAINING:
            yield _slid(directive, agent)


def _split(element: str) -> tuple[str | None, str]:
    """Split `prefix: rest`; without a colon there is no prefix."""
    before, colon, rest = element.partition(":")
    return (before.strip(), rest.strip()) if colon else (None, element)


def _names_agent(prefix: str) -> bool:
    return _AGENT.fullmatch(prefix) is not None and prefix not in _NOT_AGENTS


def _element(directive: str, agent: str | None) -> Iterator[Mark]:
    if directive in _LEGACY:
        yield Mark(directive, agent, "legacy", _LEGACY[directive])
    elif directive in USES:
        yield Mark(directive, agent)
    else:
        yield from _unreadable(directive, agent)


def _unreadable(text: str, agent: str | None) -> Iterator[Mark]:
    """Find plain refusals in an element that is not a directive (`noai; noimageai`)."""
    for word in dict.fromkeys(_WORDS.findall(text.lower())):
        if word in _PLAIN_REFUSALS:
            yield Mark(word, agent, "malformed", "not written as a list of directives")
    for match in islice(_MISSPELT.finditer(text.lower()), MAX_MISSPELT):
        if match.group() not in _PLAIN_REFUSALS:
            name = "noimageai" if match.group(1) else "noai"
            yield Mark(name, agent, "malformed", f"misspelt {match.group()!r}")


def _slid(directive: str, agent: str) -> Mark:
    """Give the second reading of `googlebot: nofollow, noai`.

    A proxy that joins header lines turns the lines `googlebot: nofollow` and
    `noai` into this one. The two cannot be told apart afterwards.
    """
    ahead = quote(agent)
    fault = f"it may have been a line of its own, for everybody, before {ahead} was put ahead"
    return Mark(directive, None, "malformed", fault)
