"""An explanation as people read it, and as JSON."""

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

# Of one piece of evidence; --json has them all.
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
    asked = explained.target.page_url or explained.target.image_url
    what = "page" if explained.kind == "html" else "for"
    place = f", {what} {asked}" if asked and asked != explained.name else ""
    yield f"{visible(explained.name)} ({explained.kind}{visible(place)})"
    verdict = explained.verdicts[0]
    decides = deciding(explained.signals, verdict)
    marks = [
        (signal, _meaning(signal, verdict.decision if star else ""), star)
        for signal, star in zip(explained.signals, decides, strict=True)
        if star or _is_shown(signal)
    ]
    widths = (_width(s.name for s, _, _ in marks), _width(said for _, said, _ in marks))
    for piece in explained.pieces:
        found = [mark for mark in marks if _stood_in(mark[0], piece)]
        yield _piece_line(piece, {explained.name, asked, ""}, bool(found))
        # A line may give several rules that say the same.
        lines = dict.fromkeys((s.name, said, _short(s.raw), star) for s, said, star in found)
        for name, meaning, raw, star in [*lines][:SHOWN_MARKS]:
            mark = f"{'*' if star else ' '} {visible(name):<{widths[0]}}"
            yield f"  {mark}  {meaning:<{widths[1]}}  {raw}"
        if len(lines) > SHOWN_MARKS:
            yield f"    and {len(lines) - SHOWN_MARKS} more (--json shows all)"
    yield from _rules_line(explained, bool(asked))
    yield from (f"  warning: {visible(text)}" for text in explained.warnings[:SHOWN_WARNINGS])
    if len(explained.warnings) > SHOWN_WARNINGS:
        yield f"  and {len(explained.warnings) - SHOWN_WARNINGS} more warnings (--json shows all)"
    yield from _hints(explained)
    yield from _verdicts(explained)


def _hints(explained: Explanation) -> Iterator[str]:
    """Yield what was nearly written as a mark, each with the lines that would be read."""
    for hint in explained.hints[:SHOWN_HINTS]:
        first, *more = hint.corrected.split("\n")
        yield f"  hint: {visible(hint.place)}: {visible(hint.text)}; did you mean: {visible(first)}"
        yield from (f"{'':8}{visible(line)}" for line in more)
    if len(explained.hints) > SHOWN_HINTS:
        yield f"  and {len(explained.hints) - SHOWN_HINTS} more hints (--json shows all)"


def _rules_line(explained: Explanation, asked: bool) -> Iterator[str]:
    """Yield how many rules do not apply, or that all do where no URL is asked about."""
    if not asked and any(s.rule is not None and s.uses for s in explained.signals):
        yield "  no URL is asked about: of all rules the strictest decides (--url says which)"
    elif explained.outranked:
        many = explained.outranked
        yield f"  and {many} rule{'s' * (many != 1)} that do{'es' * (many == 1)} not apply"


def _verdicts(explained: Explanation) -> Iterator[str]:
    """Yield the verdict, or a table of all; of a page's images where it differs."""
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
    # A licence beside silence is no part of the verdict.
    spoken = verdict.decision != "unspecified" and verdict.licence_url
    licence = f", licence {visible(verdict.licence_url or '')}" if spoken else ""
    return (" by " + ", ".join(names) if names else "") + licence


def _width(texts: Sequence[str] | Iterator[str]) -> int:
    return max(map(len, texts), default=0)


def _stood_in(signal: Signal, piece: Piece) -> bool:
    evidence = piece.evidence
    here = signal.carrier == evidence.carrier and signal.url == evidence.url
    return here and not piece.refusal


def _piece_line(piece: Piece, said: set[str | None], marked: bool) -> str:
    evidence = piece.evidence
    facts = [evidence.url] if evidence.url not in said else []
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
    """Group markers and permissions to fetch say nothing to people."""
    return bool(signal.uses) or (signal.rule is None and signal.name != "robots-txt:group")


def _meaning(signal: Signal, taken: str = "") -> str:
    """Say what a mark means, and what the verdict takes it for where that is something else."""
    said: dict[str, list[str]] = {}
    for use, meaning in signal.uses:
        said.setdefault(meaning, []).append(use)
    parts = [f"{meaning}: {', '.join(uses)}" for meaning, uses in said.items()] or ["says nothing"]
    if signal.agents:
        # The agents whose refusal decides most often come first.
        named = sorted(signal.agents, key=lambda agent: agent not in agents().training)
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        parts.append(f"for {visible(', '.join(named[:3]))}{more}")
    if signal.scope == "page" and signal.rule is not None:
        parts.append("on the page's path")
    if signal.conformance != "ok":
        parts.append(signal.conformance)
    if taken and taken not in said:
        parts.append(f"taken as {taken}")
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
