"""Evidence lines: one JSON object of evidence in, one answer out. Pure.

In: `{"id", "kind", "input", "context": {"page_url", "image_url", "agent"}}`.
Out: `{"id", "train", "signals", "warnings", "licence"}`, and `deciding`, the
names and raw texts of the signals that made the decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from registry.errors import UnreadableInput
from registry.model import Evidence, Reading, Signal, Target
from registry.signals import read, readers
from registry.signals._agents import agents
from registry.site_rules import applicable, robots_url
from registry.verdict import addressed, decide, policy_named

# Kinds whose input is a list of header lines; each is named after a vocabulary.
HEADER_KINDS = ("x-robots-tag", "content-usage", "link-header")
TEXT_KINDS = ("html", "robots-txt", "ai-txt", "xmp", "c2pa-json", "rsl-xml")
KINDS = (*HEADER_KINDS, *TEXT_KINDS, "tdmrep-json")


def answer(line: Mapping[str, Any], policy: str = "cautious") -> dict[str, Any]:
    """Answer one evidence line; UnreadableInput where it is not one."""
    context = line.get("context") or {}
    target = _target(context)
    kind = line.get("kind")
    if kind not in KINDS:
        raise UnreadableInput(f"unknown kind {kind!r}: known are {', '.join(KINDS)}")
    if has_reader(kind):
        reading = read(_evidence(kind, line.get("input"), target, context))
    else:
        reading = Reading((), (f"kind {kind}: this version has no reader for it",))
    signals = applicable(reading.signals, target)
    verdict = decide(signals, policy, target.agent)
    return {
        "id": line.get("id"),
        "train": verdict.decision,
        "signals": names(signals, target.agent),
        "warnings": list(reading.warnings),
        "licence": verdict.licence_url,
        "deciding": [{"name": s.name, "raw": s.raw} for s in verdict.deciding],
    }


def has_reader(kind: str) -> bool:
    """Tell whether this version reads evidence of a kind."""
    if kind in HEADER_KINDS:
        return kind.replace("-", "_") in readers()
    return any(kind in reader.CARRIERS for reader in readers().values())


def names(signals: Iterable[Signal], agent: str | None) -> list[str]:
    """Name the signals as evidence lines do: once each, in order.

    A mark addressed to another agent is `name@agent`. Of robots.txt, where every
    agent has its group, only what applies is named, and for nobody in particular
    the refused training agents too; `(page)` marks a rule that covers the page's
    path but not the image's. Malformed marks are not signals in this
    sense: warnings quote them.
    """
    well_formed = [s for s in signals if s.conformance != "malformed"]
    mine = {id(s) for s in addressed(well_formed, agent, policy_named("letter"))}
    found: dict[str, None] = {}
    for signal in well_formed:
        if signal.carrier == "robots-txt":
            found.update(dict.fromkeys(_robots_names(signal, agent, id(signal) in mine)))
        elif id(signal) in mine:
            found[signal.name] = None
        else:
            found.update(dict.fromkeys(f"{signal.name}@{name}" for name in signal.agents))
    return list(found)


def _robots_names(signal: Signal, agent: str | None, mine: bool) -> list[str]:
    if not signal.agents:
        # A comment speaks to people; it is no answer to an agent's question.
        return [signal.name] if agent is None else []
    if not signal.uses:
        return []
    listed = agents()
    others = [name for name in signal.agents if agent is None and name in listed.training]
    shown = f"{signal.name}(page)" if signal.scope == "page" else signal.name
    return [shown] * mine + [f"{shown}@{listed.spelling.get(name, name)}" for name in others]


def _target(context: object) -> Target:
    if not isinstance(context, Mapping):
        raise UnreadableInput("context is not an object")
    values = {name: context.get(name) for name in ("image_url", "page_url", "agent")}
    for name, value in values.items():
        if value is not None and not isinstance(value, str):
            raise UnreadableInput(f"context.{name} is neither a string nor null")
    return Target(**values)


def _evidence(kind: str, given: object, target: Target, context: Mapping[str, Any]) -> Evidence:
    if kind in HEADER_KINDS:
        return Evidence("headers", "image", target.image_url or "", lines=_header_lines(given))
    if not isinstance(given, str):
        raise UnreadableInput(f"input of kind {kind} is not a text")
    if kind == "html":
        return Evidence("html", "page", target.page_url or "", text=given)
    host = context.get("file_host")
    asked = f"https://{host}/" if host else target.image_url or target.page_url or ""
    return Evidence(kind, "site", robots_url(asked), text=given)


def _header_lines(given: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(given, list) or not all(map(_is_pair, given)):
        raise UnreadableInput("input is not a list of [name, value] header lines")
    return tuple((name, value) for name, value in given)


def _is_pair(line: object) -> bool:
    return isinstance(line, list) and len(line) == 2 and all(isinstance(p, str) for p in line)
