"""The grammar that `X-Robots-Tag` and robots meta tags share.

    list      = element *( "," element )
    element   = [ agent ":" ] directive | valued ":" value

Names are compared in lower case. An agent prefix applies to its element and to all
elements after it in the same list. Sources: Google's robots meta tag documentation,
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
    # Only for Bing and Amazon are these about training: see registry.verdict.
    "noarchive": (),
    "nocache": (),
}
# Directives that no current document defines, each with the reason.
_LEGACY = {
    "notrain": "seen in headers, but no document defines this directive",
    "disallowaitraining": "defined only by a draft, which expired in April 2025",
}
AGAINST_TRAINING = frozenset(name for name, uses in USES.items() if uses == TRAINING)
_PLAIN_REFUSALS = AGAINST_TRAINING - _LEGACY.keys()

_VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_AGENT = re.compile(r"[a-z_-][a-z_\-0-9.]*")
# Written as a prefix by people who meant all agents.
_NOT_AGENTS = AGAINST_TRAINING | {"robots", "x-robots-tag"}
_WORDS = re.compile(r"[a-z0-9_-]+")
# `no-ai`, `no_image_ai`, `no ai`: no document defines them, but their meaning is clear.
_MISSPELT = re.compile(r"(?<![a-z0-9_-])no[-_ ]?(image)?[-_ ]?ai(?![a-z0-9_-])")

MAX_LIST = 8192
# A site sends the same few short lists with all its responses: their readings are cached.
_REMEMBERED = 256
MAX_MISSPELT = 20
MAX_RAW = 4096


@dataclass(frozen=True, slots=True)
class Mark:
    """One directive as it was read; `agent` None means all agents.

    `fault` is the error in a mark whose conformance is not `ok`.
    """

    name: str
    agent: str | None = None
    conformance: Conformance = "ok"
    fault: str = ""


def marks(value: str) -> tuple[Mark, ...]:
    """Read one list of directives: one header line's value or one content attribute.

    Of a list longer than `MAX_LIST` characters, only the complete elements within the limit
    are read.
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
            # Part of a date, or a directive with a colon that is not an agent prefix.
            yield from _unreadable(element, agent)
            continue
        if prefix is not None:
            agent, refused_at_prefix = prefix, directive in AGAINST_TRAINING
        if directive.partition(":")[0].strip() in _VALUED:
            continue
        yield from _element(directive, agent)
        if agent is not None and not refused_at_prefix and directive in AGAINST_TRAINING:
            yield _for_everybody(directive, agent)


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
    """Find clear refusals in an element that is not a directive (`noai; noimageai`)."""
    for word in dict.fromkeys(_WORDS.findall(text.lower())):
        if word in _PLAIN_REFUSALS:
            yield Mark(word, agent, "malformed", "not written as a list of directives")
    for match in islice(_MISSPELT.finditer(text.lower()), MAX_MISSPELT):
        if match.group() not in _PLAIN_REFUSALS:
            name = "noimageai" if match.group(1) else "noai"
            yield Mark(name, agent, "malformed", f"misspelt {match.group()!r}")


def _for_everybody(directive: str, agent: str) -> Mark:
    """Return the refusal for all agents that `googlebot: nofollow, noai` may also mean.

    A proxy that joins header lines makes this line of the lines `googlebot: nofollow` and
    `noai`; afterwards the two cases cannot be distinguished.
    """
    ahead = quote(agent)
    fault = (
        f"it may have been a separate line for all agents, which a proxy joined to that of {ahead}"
    )
    return Mark(directive, None, "malformed", fault)
