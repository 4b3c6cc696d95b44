"""The `Link` header field: targets and their parameters (RFC 8288, section 3).

    field  = link *( "," link )
    link   = "<" target ">" *( ";" name [ "=" ( token / quoted-string ) ] )

Targets and quoted strings may contain commas and semicolons, so the text is read from
left to right and never split. Of parameters with the same name the first counts, as the
RFC requires for `rel` and `type`. Text that is not a link is skipped up to the next
comma. Takes time linear in the text.

Source: https://www.rfc-editor.org/rfc/rfc8288.html, appendix B.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from registry.model import Evidence
from registry.signals._directives import MAX_RAW

MAX_FIELD = 64 * 1024

_TARGET = re.compile(r"[\t ,]*+<([^>]*+)>")
_PARAMETER = re.compile(
    r"[\t ]*+;[\t ;]*+(?P<name>[^\t =;,\"]*+)"
    r"(?:[\t ]*+=[\t ]*+(?:\"(?P<quoted>(?:[^\"\\]|\\.)*+)\"?+|(?P<token>[^\";,\t ]*+)))?+",
    re.DOTALL,
)
_REST = re.compile(r"(?:[^,\"]++|\"(?:[^\"\\]|\\.)*+\"?+)*+,?+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Link:
    """One link: its target as written, parameters by lower-case name, and its exact text."""

    target: str
    parameters: dict[str, str]
    raw: str

    @property
    def relations(self) -> frozenset[str]:
        """Return the relation types in lower case; none if the link is about another resource."""
        if self.parameters.get("anchor"):
            return frozenset()
        return frozenset(self.parameters.get("rel", "").lower().split())


def links(value: str) -> Iterator[Link]:
    """Yield the links of one field value, in order."""
    place = 0
    # After the last ">" no target is closed; searching each for its end would take too long.
    last = value.rfind(">")
    while place <= last:
        target = _TARGET.match(value, place)
        if target is None:
            place = max(_end(_REST.match(value, place)), place + 1)
            continue
        parameters, place = _parameters(value, target.end())
        yield Link(target[1].strip(), parameters, value[target.start() : place].strip("\t ,"))
        place = max(_end(_REST.match(value, place)), place)


def links_of(evidence: Evidence) -> tuple[tuple[Link, ...], tuple[str, ...]]:
    """Return the links of all `Link` field lines of a response, and warnings."""
    return _links_of(tuple(line for line in evidence.lines if line[0].strip().lower() == "link"))


@lru_cache(maxsize=4)
def _links_of(lines: tuple[tuple[str, str], ...]) -> tuple[tuple[Link, ...], tuple[str, ...]]:
    # Cached for the other readers of the same response.
    parsed: list[Link] = []
    budget = MAX_FIELD
    for name, value in lines:
        for link in links(value[:budget]):
            parsed.append(Link(link.target, link.parameters, f"{name}: {link.raw}"[:MAX_RAW]))
        if len(value) > budget:
            return tuple(parsed), (f"Link lines longer than {MAX_FIELD} characters, cut there",)
        budget -= len(value)
    return tuple(parsed), ()


def _parameters(value: str, place: int) -> tuple[dict[str, str], int]:
    parameters: dict[str, str] = {}
    while match := _PARAMETER.match(value, place):
        quoted = match["quoted"]
        text = _ESCAPED.sub(r"\1", quoted) if quoted is not None else match["token"] or ""
        if match["name"]:
            parameters.setdefault(match["name"].lower(), text.strip())
        place = match.end()
    return parameters, place


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0
