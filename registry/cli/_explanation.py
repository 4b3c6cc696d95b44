"""An explanation as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from registry.agents.known import agents
from registry.explain import Explanation, deciding, validation
from registry.model import Signal, Verdict
from registry.sources.pieces import Piece
from registry.terminal import show as show_lines
from registry.terminal import show_json
from registry.text import visible

# Most items shown for one piece of evidence; --json shows all.
SHOWN_MARKS = 20
SHOWN_WARNINGS = 10
SHOWN_CODES = 3
SHOWN_HINTS = 10


def show(explained: Explanation, as_json: bool) -> None:
    """Print an explanation."""
    if as_json:
        show_json(_as_json(explained))
    else:
        show_lines(*_text(explained))


def _text(explained: Explanation) -> Iterator[str]:
    url = explained.target.page_url or explained.target.image_url
    label = "page" if explained.kind == "html" else "for"
    place = f", {label} {url}" if url and url != explained.name else ""
    yield f"{visible(explained.name)} ({explained.kind}{visible(place)})"
    verdict = explained.verdicts[0]
    decides = deciding(explained.signals, verdict)
    marks = [
        (signal, _meaning(signal, verdict.decision if star else ""), star)
        for signal, star in zip(explained.signals, decides, strict=True)
        if star or _is_shown(signal)
    ]
    widths = (_width(s.name for s, _, _ in marks), _width(meaning for _, meaning, _ in marks))
    for piece in explained.pieces:
        here = [mark for mark in marks if _is_from(mark[0], piece)]
        yield _piece_line(piece, {explained.name, url, ""}, bool(here))
        # One line may hold several rules with the same meaning.
        lines = dict.fromkeys((s.name, meaning, _short(s.raw), star) for s, meaning, star in here)
        for name, meaning, raw, star in [*lines][:SHOWN_MARKS]:
            mark = f"{'*' if star else ' '} {visible(name):<{widths[0]}}"
            yield f"  {mark}  {meaning:<{widths[1]}}  {raw}"
        if len(lines) > SHOWN_MARKS:
            yield f"    and {len(lines) - SHOWN_MARKS} more (--json shows all)"
    yield from _rules_line(explained, bool(url))
    yield from (f"  warning: {visible(text)}" for text in explained.warnings[:SHOWN_WARNINGS])
    if len(explained.warnings) > SHOWN_WARNINGS:
        yield f"  and {len(explained.warnings) - SHOWN_WARNINGS} more warnings (--json shows all)"
    yield from _hints(explained)
    yield from _verdicts(explained)


def _hints(explained: Explanation) -> Iterator[str]:
    """Yield each near miss of a mark, with the corrected lines."""
    for hint in explained.hints[:SHOWN_HINTS]:
        first, *more = hint.corrected.split("\n")
        yield f"  hint: {visible(hint.place)}: {visible(hint.text)}; did you mean: {visible(first)}"
        yield from (f"{'':8}{visible(line)}" for line in more)
    if len(explained.hints) > SHOWN_HINTS:
        yield f"  and {len(explained.hints) - SHOWN_HINTS} more hints (--json shows all)"


def _rules_line(explained: Explanation, has_url: bool) -> Iterator[str]:
    """Yield the number of rules that do not apply, or a note that no URL was given."""
    if not has_url and any(s.rule is not None and s.uses for s in explained.signals):
        yield "  no URL given: the strictest of all rules decides (give --url to apply them to it)"
    elif explained.outranked:
        many = explained.outranked
        yield f"  and {many} rule{'s' * (many != 1)} that do{'es' * (many == 1)} not apply"


def _verdicts(explained: Explanation) -> Iterator[str]:
    """Yield the verdicts; those for the images of a page, too, where they differ."""
    verdicts = explained.verdicts
    of_images = explained.of_images or verdicts
    if len(verdicts) == 1:
        verdict = verdicts[0]
        yield f"verdict: {verdict.decision} (policy {verdict.policy}){_by(verdict)}"
        if of_images[0].decision != verdict.decision:
            yield f"for images it shows: {of_images[0].decision}{_by(of_images[0])}"
        return
    width = _width(verdict.policy for verdict in verdicts)
    for verdict, other in zip(verdicts, of_images, strict=True):
        yield f"verdict: {verdict.policy:<{width}}  {verdict.decision}{_by(verdict)}"
        if other.decision != verdict.decision:
            yield f"{'':{width + 9}}  for images it shows: {other.decision}{_by(other)}"


def _by(verdict: Verdict) -> str:
    names = dict.fromkeys(visible(signal.name) for signal in verdict.deciding)
    # A licence of an unspecified verdict is not shown: no mark decided by it.
    has_licence = verdict.decision != "unspecified" and verdict.licence_url
    licence = f", licence {visible(verdict.licence_url or '')}" if has_licence else ""
    return (" by " + ", ".join(names) if names else "") + licence


def _width(texts: Sequence[str] | Iterator[str]) -> int:
    return max(map(len, texts), default=0)


def _is_from(signal: Signal, piece: Piece) -> bool:
    evidence = piece.evidence
    same_place = signal.carrier == evidence.carrier and signal.url == evidence.url
    return same_place and not piece.refusal


def _piece_line(piece: Piece, shown_urls: set[str | None], marked: bool) -> str:
    evidence = piece.evidence
    facts = [evidence.url] if evidence.url not in shown_urls else []
    if piece.refusal:
        facts.append(piece.refusal)
    elif evidence.carrier == "headers":
        facts += [f"status {piece.status}"] if piece.status else []
        facts.append(f"{len(evidence.lines)} line{'s' * (len(evidence.lines) != 1)}")
    else:
        facts.append(f"{piece.size:,} bytes")
    if state := validation(evidence):
        codes = f" ({', '.join(state[1][:SHOWN_CODES])})" if state[1] else ""
        facts.append(f"validation {state[0]}{codes}")
    if not marked and not piece.refusal:
        facts.append("no mark")
    return f"  {evidence.carrier}: {visible(', '.join(facts))}"


def _is_shown(signal: Signal) -> bool:
    """Return whether a mark is shown; group markers and permissions to fetch are not."""
    return bool(signal.uses) or (signal.rule is None and signal.name != "robots-txt:group")


def _meaning(signal: Signal, taken: str = "") -> str:
    """Return the text of a mark's meaning, and of the verdict's interpretation if it differs."""
    by_meaning: dict[str, list[str]] = {}
    for use, meaning in signal.uses:
        by_meaning.setdefault(meaning, []).append(use)
    parts = [f"{meaning}: {', '.join(uses)}" for meaning, uses in by_meaning.items()]
    parts = parts or ["no meaning"]
    if signal.agents:
        # Agents that train come first: refusals of them decide most often.
        named = sorted(signal.agents, key=lambda agent: agent not in agents().training)
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        parts.append(f"for {visible(', '.join(named[:3]))}{more}")
    if signal.scope == "page" and signal.rule is not None:
        parts.append("on the page's path")
    if signal.conformance != "ok":
        parts.append(signal.conformance)
    if taken and taken not in by_meaning:
        parts.append(f"counts as {taken}")
    return "; ".join(parts)


def _short(raw: str) -> str:
    line = " ".join(raw.split())
    return visible(line if len(line) <= 120 else line[:117] + "...")


def _as_json(explained: Explanation) -> dict[str, Any]:
    verdict = explained.verdicts[0]
    of_images = explained.of_images
    return {
        "target": explained.name,
        "kind": explained.kind,
        "image_url": explained.target.image_url,
        "page_url": explained.target.page_url,
        "agent": explained.target.agent,
        "policy": verdict.policy,
        "verdict": verdict.decision,
        "licence": verdict.licence_url,
        "of_images": of_images[0].decision if of_images else None,
        "policies": {
            v.policy: _verdict_json(explained, n) for n, v in enumerate(explained.verdicts)
        },
        "rules_that_do_not_apply": explained.outranked,
        "evidence": [_piece_json(piece) for piece in explained.pieces],
        "signals": [
            _signal_json(signal, decides)
            for signal, decides in zip(
                explained.signals, deciding(explained.signals, verdict), strict=True
            )
        ],
        "warnings": list(explained.warnings),
        "hints": [hint._asdict() for hint in explained.hints],
    }


def _verdict_json(explained: Explanation, number: int) -> dict[str, Any]:
    verdict = explained.verdicts[number]
    return {
        "verdict": verdict.decision,
        "licence": verdict.licence_url,
        "deciding": [{"name": s.name, "raw": s.raw, "url": s.url} for s in verdict.deciding],
        "of_images": explained.of_images[number].decision if explained.of_images else None,
    }


def _piece_json(piece: Piece) -> dict[str, Any]:
    evidence = piece.evidence
    state = validation(evidence)
    return {
        "carrier": evidence.carrier,
        "about": evidence.about,
        "url": evidence.url,
        "status": piece.status,
        "bytes": piece.size,
        "refusal": piece.refusal or None,
        "lines": [list(line) for line in evidence.lines],
        "validation": {"state": state[0], "codes": list(state[1])} if state else None,
    }


def _signal_json(signal: Signal, decides: bool) -> dict[str, Any]:
    return {
        "name": signal.name,
        "vocabulary": signal.vocabulary,
        "carrier": signal.carrier,
        "scope": signal.scope,
        "uses": dict(signal.uses),
        "agents": list(signal.agents),
        "conformance": signal.conformance,
        "path": signal.rule.pattern if signal.rule else None,
        "licence_url": signal.licence_url,
        "url": signal.url,
        "raw": signal.raw,
        "decides": decides,
    }
