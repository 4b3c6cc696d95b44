"""`Robots-Tag`: the structured header that was planned to replace `X-Robots-Tag`.

Refuses: `noai`, `noimageai`, `noml`, as a structured header.

Where: any response, of an image or of a page.

Examples:

    Robots-Tag: *;nosnippet, ExampleBot;noindex
    Robots-Tag: *=noindex, nosnippet; ExampleBot=;

Grammar: a List (RFC 9651), parsed after all field lines were joined with ", ";
a member is an agent, or `*` for all agents, and its parameters are directives. The
second form is that of the first draft (August 2024), which is not a valid structured
field. Directives for an agent add to those for all agents.

What it says: `noindex` reserves indexing and search. The draft defines only this
directive and `nosnippet`, which has no effect here.

Who: nobody is known to send it. The drafts (draft-illyes-repext-00 to -03) have
expired; the last one requires that `X-Robots-Tag` is still read while sites send it.

Decisions: the other directives of `X-Robots-Tag` are read with the same meaning, as
legacy, since the draft allows further directives but defines none of them; `noarchive` and
`nocache` are not read, since the operators that give them a meaning do not mention this
header. Everything in the first draft's form is legacy. A member `noai`, and a refusal in
the grammar of `X-Robots-Tag`, are malformed refusals. Of a value longer than MAX_VALUE the
complete members within the limit are read, as the draft requires.

Source: draft-illyes-repext-03, https://github.com/garyillyes/ietf-rep-ext
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from registry.agents.known import agent_token
from registry.model import Conformance, Evidence, Reading, Scope, Signal
from registry.signals import _directives, _structured
from registry.signals._directives import AGAINST_TRAINING, MAX_RAW, USES, Mark
from registry.signals._structured import MAX_VALUE
from registry.text import quote

CARRIERS = ("headers",)
HEADERS = ("robots-tag",)
COVERS_IMAGES = True

MAX_LINES = 100
MAX_SIGNALS = 300
MAX_WARNINGS = 20

_DEFINED = "noindex"
_OLD_MEMBER = re.compile(r"\s*([A-Za-z0-9_*.-]+)=([\sA-Za-z_,-]*)")


def read(evidence: Evidence) -> Reading:
    """Read the `Robots-Tag` field of a response, its lines joined."""
    lines = [line for line in evidence.lines if line[0].strip().lower() == "robots-tag"]
    if not lines:
        return Reading()
    values = [value[: MAX_VALUE + 1] for _, value in lines[:MAX_LINES]]
    text = _structured.joined(values)
    raw = "\n".join(f"{name}: {value[:MAX_RAW]}" for name, value in lines[:MAX_LINES])[:MAX_RAW]
    warnings: dict[str, None] = {}
    if len(text) > MAX_VALUE or len(lines) > MAX_LINES:
        text = text[:MAX_VALUE].rpartition(",")[0]
        limit = f"{MAX_VALUE} characters or {MAX_LINES} lines"
        warnings[f"Robots-Tag longer than {limit}, read up to there"] = None
    signals: dict[tuple[object, ...], Signal] = {}
    for mark in _marks(text, values):
        if len(signals) == MAX_SIGNALS:
            warnings[f"more than {MAX_SIGNALS} marks in Robots-Tag, the others not read"] = None
            break
        signals.setdefault((mark.name, mark.agent, mark.conformance), _signal(mark, evidence, raw))
        if mark.fault:
            warnings[f"{mark.name}: {mark.fault}: {quote(raw)}"] = None
    return Reading(tuple(signals.values()), tuple(warnings)[:MAX_WARNINGS])


def _marks(text: str, values: Iterable[str]) -> Iterator[Mark]:
    members = _structured.listing(text)
    if members is not None:
        for member in members:
            names = [name for name, given in member.parameters.items() if given is True]
            yield from _of_agent(member.token or member.string or "", names)
    elif (old := _old_form(text)) is not None:
        for agent, names in old:
            yield from _of_agent(agent, names, old=True)
    else:
        for value in values:
            for mark in _directives.marks(value):
                if mark.name in AGAINST_TRAINING:
                    yield Mark(
                        mark.name,
                        mark.agent,
                        "malformed",
                        "neither a List nor in the form of the first draft",
                    )


def _of_agent(name: str, directives: list[str], *, old: bool = False) -> Iterator[Mark]:
    agent = agent_token(name)
    if agent in AGAINST_TRAINING and not directives:
        yield Mark(agent, None, "malformed", "a directive in place of an agent")
    for directive in directives:
        if agent and USES.get(directive):
            defined = directive == _DEFINED and not old
            grade: Conformance = "ok" if defined else "legacy"
            fault = "" if defined else "not defined by the last draft of Robots-Tag"
            yield Mark(directive, None if agent == "*" else agent, grade, fault)


def _old_form(text: str) -> list[tuple[str, list[str]]] | None:
    """Read the form `*=noindex, nosnippet; ExampleBot=;`; None for any other text."""
    members = []
    for part in text.split(";"):
        if not part.strip():
            continue
        member = _OLD_MEMBER.fullmatch(part)
        if member is None:
            return None
        members.append((member[1], [name.strip().lower() for name in member[2].split(",")]))
    return members


def _signal(mark: Mark, evidence: Evidence, raw: str) -> Signal:
    scope: Scope = "image" if evidence.about == "image" else "page"
    return Signal(
        name=f"{mark.name}(robots-tag)",
        vocabulary="robots-tag",
        carrier="headers",
        scope=scope,
        raw=raw,
        url=evidence.url,
        uses=USES[mark.name],
        agents=(mark.agent,) if mark.agent else (),
        conformance=mark.conformance,
    )
