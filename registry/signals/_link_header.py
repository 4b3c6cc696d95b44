"""The `Link` header field: targets and their parameters (RFC 8288, section 3).

    field  = link *( "," link )
    link   = "<" target ">" *( ";" name [ "=" ( token / quoted-string ) ] )

Commas and semicolons stand in targets and in quoted strings too, so the text is
read from left to right and never split. Of parameters with one name the first
counts, as the RFC says of `rel` and `type`. What is no link is skipped up to the
next comma. Takes time linear in the text.

Source: https://www.rfc-editor.org/rfc/rfc8288.html, appendix B.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from registry.model import Evidence
from registry.signals._directives import MAX_RAW

MAX_FIELD = 64 * 1024
MAX_LINKS = 500

_TARGET = re.compile(r"[\t ,]*+<([^>]*+)>")
_PARAMETER = re.compile(
    r"[\t ]*+;[\t ;]*+(?P<name>[^\t =;,\"]*+)"
    r"(?:[\t ]*+=[\t ]*+(?:\"(?P<quoted>(?:[^\"\\]|\\.)*+)\"?+|(?P<token>[^\";,\t ]*+)))?+",
    re.DOTALL,
)
_REST = re.compile(r"(?:[^,\"]|\"(?:[^\"\\]|\\.)*+\"?+)*+,?+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Link:
    """One link: its target as written, parameters by lower-case name, and its exact text."""

    target: str
    parameters: dict[str, str]
    raw: str

    @property
    def relations(self) -> frozenset[str]:
        """Return the relation types in lower case; none where it speaks of another resource."""
        if self.parameters.get("anchor"):
            return frozenset()
        return frozenset(self.parameters.get("rel", "").lower().split())


def links(value: str) -> Iterator[Link]:
    """Yield the links of one field value, in order."""
    value = value[:MAX_FIELD]
    place = 0
    # Beyond the last ">" no target is closed, and looking for its end would repeat itself.
    last = value.rfind(">")
    while place <= last:
        target = _TARGET.match(value, place)
        if target is None:
            place = max(_end(_REST.match(value, place)), place + 1)
            continue
        parameters, place = _parameters(value, target.end())
        yield Link(target[1].strip(), parameters, value[target.start() : place].strip("\t ,"))
        place = max(_end(_REST.match(value, place)), place)


def links_of(evidence: Evidence) -> tuple[list[Link], list[str]]:
    """Return the links of all `Link` field lines of a response, with what was not read."""
    found: list[Link] = []
    warnings: list[str] = []
    for name, value in evidence.lines:
        if name.strip().lower() != "link":
            continue
        if len(value) > MAX_FIELD:
            warnings.append(f"Link line longer than {MAX_FIELD} characters, read up to there")
        for link in links(value):
            if len(found) == MAX_LINKS:
                return found, [*warnings[:1], f"more than {MAX_LINKS} links: the others not read"]
            found.append(Link(link.target, link.parameters, f"{name}: {link.raw}"[:MAX_RAW]))
    return found, warnings[:1]


def _parameters(value: str, place: int) -> tuple[dict[str, str], int]:
    found: dict[str, str] = {}
    while match := _PARAMETER.match(value, place):
        quoted = match["quoted"]
        text = _ESCAPED.sub(r"\1", quoted) if quoted is not None else match["token"] or ""
        if match["name"]:
            found.setdefault(match["name"].lower(), text.strip())
        place = match.end()
    return found, place


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0
