"""Evidence lines: for each JSON object with evidence, one answer. Pure.

Input: `{"id", "kind", "input", "context": {"page_url", "image_url", "agent"}}`.
`kind` is the carrier of the input, or the header field for one of HEADER_KINDS.
Further context: `file_host`, the host that served a site file, if not the
image's; `document_url`, the URL of an RSL document; `fetched`, the linked documents
by URL.
Output: `{"id", "train", "signals", "warnings", "licence"}`, and `deciding`, the
names and raw texts of the signals that made the decision.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from registry.agents.known import agents
from registry.errors import UnreadableInput
from registry.evidence.carriers import ANSWERS, IN_FILES
from registry.model import Evidence, Reading, Scope, Signal, Target
from registry.signals import carriers, read
from registry.urls.paths import robots_url, url_host
from registry.verdict import addressed, decide, known_policies, policy_named
from registry.verdict.precedence import settled
from registry.verdict.without_url import applicable_without_url

# Kinds whose input is a list of header lines; each is named after a vocabulary.
HEADER_KINDS = ("x-robots-tag", "content-usage", "link-header")
TEXT_KINDS = ("html", *carriers().site_paths, *IN_FILES, *ANSWERS)
KINDS = (*HEADER_KINDS, *TEXT_KINDS)


def answer(
    line: Mapping[str, Any], policy: str = "cautious", *, all_policies: bool = False
) -> dict[str, Any]:
    """Return the answer to an evidence line; raise UnreadableInput for other values.

    With `all_policies` it also holds `policies`: the decision of each policy by name.
    """
    if not is_identity(line.get("id")):
        raise UnreadableInput("id holds a number that is not valid in JSON")
    target, reading = read_line(line)
    asked = target_about(target)
    signals = applicable_without_url(reading.signals, target)
    verdict = decide(signals, policy, target.agent, asked=asked)
    others = {
        name: decide(signals, name, target.agent, asked=asked).decision
        for name in (known_policies() if all_policies else ())
    }
    return {
        "id": line.get("id"),
        "train": verdict.decision,
        "signals": names(signals, target.agent, asked),
        "warnings": list(reading.warnings),
        "licence": verdict.licence_url,
        "deciding": [{"name": s.name, "raw": s.raw} for s in verdict.deciding],
        **({"policies": others} if all_policies else {}),
    }


def is_identity(given: object) -> bool:
    """Return whether an id can be written as JSON, which has neither NaN nor infinity."""
    try:
        json.dumps(given, allow_nan=False)
    except (ValueError, RecursionError):
        return False
    return True


def read_line(line: Mapping[str, Any]) -> tuple[Target, Reading]:
    """Return the target and the signals of an evidence line; raises UnreadableInput."""
    context = line.get("context")
    context = {} if context is None else context
    target = _target(context)
    kind = line.get("kind")
    if kind not in KINDS:
        raise UnreadableInput(f"unknown kind {kind!r}: known are {', '.join(KINDS)}")
    pieces = [*_evidence(kind, line.get("input"), target, context), *_fetched(context)]
    return target, _joined(map(read, pieces))


def target_about(target: Target) -> Scope:
    """Return whether a verdict is for an image, or for the page itself."""
    return "page" if target.image_url in {None, target.page_url} and target.page_url else "image"


def names(signals: Iterable[Signal], agent: str | None, asked: Scope = "image") -> list[str]:
    """Return the names of the signals as evidence lines give them: once each, in order.

    A mark for another agent is `name@agent`. In robots.txt only the rules that apply to
    the agent are named; without an agent, refused training agents are named, too. `(page)`
    follows the name of a rule that covers the page's path but not the image's; such rules
    of other files are left out, because they belong to the host that serves the image.
    Malformed marks are left out: warnings quote them.
    """
    well_formed = settled([s for s in signals if s.conformance != "malformed"], asked)
    mine = {id(s) for s in addressed(well_formed, agent, policy_named("letter"))}
    named: dict[str, None] = {}
    for signal in well_formed:
        if signal.carrier == "robots-txt":
            named.update(dict.fromkeys(_robots_names(signal, agent, id(signal) in mine)))
        elif _on_page_path(signal) or _of_page_alone(signal, asked):
            continue
        elif id(signal) in mine:
            named[signal.name] = None
        else:
            named.update(dict.fromkeys(f"{signal.name}@{name}" for name in signal.agents))
    return list(named)


def _on_page_path(signal: Signal) -> bool:
    return signal.scope == "page" and signal.rule is not None


def _of_page_alone(signal: Signal, asked: Scope) -> bool:
    """Return whether a mark is TDMRep's in a page: it covers none of the images there."""
    return asked == "image" and signal.scope == "page" and signal.vocabulary == "tdmrep"


def _shown(signal: Signal) -> str:
    return f"{signal.name}(page)" if _on_page_path(signal) else signal.name


def _robots_names(signal: Signal, agent: str | None, mine: bool) -> list[str]:
    if not signal.agents:
        # A comment is for people; it is not named if an agent is given.
        is_comment = signal.vocabulary == "robots-txt"
        return [] if is_comment and agent is not None else [_shown(signal)]
    if signal.vocabulary == "robots-txt" and not signal.uses:
        return []
    listed = agents()
    others = [name for name in signal.agents if agent is None and name in listed.training]
    shown = _shown(signal)
    return [shown] * mine + [f"{shown}@{listed.spelling.get(name, name)}" for name in others]


def _joined(readings: Iterable[Reading]) -> Reading:
    parts = list(readings)
    return Reading(
        tuple(signal for reading in parts for signal in reading.signals),
        tuple(text for reading in parts for text in reading.warnings),
    )


def _target(context: object) -> Target:
    if not isinstance(context, Mapping):
        raise UnreadableInput("context is not an object")
    values = {name: context.get(name) for name in ("image_url", "page_url", "agent")}
    for name, value in values.items():
        if value is not None and not isinstance(value, str):
            raise UnreadableInput(f"context.{name} is neither a string nor null")
    return Target(**values)


def _evidence(
    kind: str, given: object, target: Target, context: Mapping[str, Any]
) -> Iterator[Evidence]:
    image, page = target.image_url or "", target.page_url or ""
    if kind in HEADER_KINDS:
        yield Evidence("headers", "image", image, lines=_header_lines(given))
    elif kind == "tdmrep-json" and isinstance(given, Mapping):
        yield from _tdmrep_parts(given, target, context)
    elif not isinstance(given, str):
        raise UnreadableInput(f"input of kind {kind} is not a string")
    elif kind == "html":
        yield Evidence("html", "page", page, text=given)
    elif kind in {*IN_FILES, *ANSWERS}:
        yield Evidence(kind, "image", image, text=given)
    else:
        yield Evidence(kind, "site", _site_file_url(kind, target, context), text=given)


def _tdmrep_parts(
    given: Mapping[str, Any], target: Target, context: Mapping[str, Any]
) -> Iterator[Evidence]:
    """Yield the evidence of TDMRep for one image, which can be in three places."""
    if "wellknown" in given:
        yield from _evidence("tdmrep-json", _text_of(given["wellknown"]), target, context)
    if "headers" in given:
        yield from _evidence("content-usage", given["headers"], target, context)
    if "html" in given:
        yield from _evidence("html", given["html"], target, context)


def _text_of(given: object) -> str:
    return given if isinstance(given, str) else json.dumps(given)


def _site_file_url(carrier: str, target: Target, context: Mapping[str, Any]) -> str:
    document = context.get("document_url")
    if carrier == "rsl-xml" and isinstance(document, str):
        return document
    host = context.get("file_host")
    url = f"https://{host}/" if host else target.image_url or target.page_url or ""
    robots = robots_url(url)
    return robots.removesuffix("/robots.txt") + carriers().site_paths[carrier] if robots else ""


def _fetched(context: Mapping[str, Any]) -> Iterator[Evidence]:
    """Yield the linked documents as evidence; only licences are read."""
    fetched = context.get("fetched")
    if not isinstance(fetched, Mapping):
        return
    for url, text in fetched.items():
        if isinstance(url, str) and isinstance(text, str) and url_host(url):
            yield Evidence("rsl-xml", "site", url, text=text)


def _header_lines(given: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(given, list) or not all(map(_is_pair, given)):
        raise UnreadableInput("input is not a list of [name, value] header lines")
    return tuple((name, value) for name, value in given)


def _is_pair(line: object) -> bool:
    return isinstance(line, list) and len(line) == 2 and all(isinstance(p, str) for p in line)
