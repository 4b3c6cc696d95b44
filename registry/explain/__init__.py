"""Evidence, signals and verdict of one target, as `registry explain` shows them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from registry.explain.hints import Hint, hints_of, misplaced
from registry.model import TRAINING_USES, Evidence, Reading, Scope, Signal, Target, Verdict
from registry.signals import read
from registry.sources.pieces import Piece
from registry.verdict import POLICIES, decide, policy_named
from registry.verdict.patterns import is_everywhere
from registry.verdict.without_url import applicable_without_url

SHOWN_LICENCES = 3
MAX_CODES = 50
_TRAINING = frozenset({*TRAINING_USES, "tdm"})


@dataclass(frozen=True, slots=True)
class Asked:
    """The agent and the policies to decide for; the first policy is shown in full."""

    agent: str | None = None
    policies: tuple[str, ...] = ("cautious",)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One target: its evidence, the signals that apply to it, and the verdicts.

    `kind` is that of the target: `image`, `headers`, or the carrier of a text (`html`, ...).
    `outranked` is the number of rules that do not apply to the target. `verdicts` has one
    verdict for each policy; `of_images`, for a page, the same for the images that it shows.
    `is_about_training` is True if a mark that applies (without a URL: any mark) is about
    training or mining, for any agent. `unread_licences` are the URLs of RSL documents that marks
    name but that were not read. `hints` are near misses of marks; no verdict uses them.
    """

    name: str
    kind: str
    target: Target
    pieces: tuple[Piece, ...]
    signals: tuple[Signal, ...]
    outranked: int
    warnings: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    of_images: tuple[Verdict, ...]
    is_about_training: bool
    unread_licences: tuple[str, ...] = ()
    hints: tuple[Hint, ...] = ()

    @property
    def is_silent(self) -> bool:
        """Return True if all evidence was read and no mark in it is about training.

        After a warning it is False: the text may have been meant as a mark.
        """
        unread = self.unread_licences or any(piece.is_unread for piece in self.pieces)
        decided = any(v.decision != "unspecified" for v in (*self.verdicts, *self.of_images))
        return not (self.is_about_training or unread or decided or self.warnings)


def asked_policies(policy: str, all_policies: bool) -> tuple[str, ...]:
    """Return a policy, followed by all others if asked for; raise UsageError for unknown names."""
    first = str(policy_named(policy))
    others = [str(known) for known in POLICIES if str(known) != first]
    return (first, *others) if all_policies else (first,)


def explain(
    name: str,
    kind: str,
    pieces: Sequence[Piece],
    url: str | None,
    asked: Asked,
    notes: Iterable[str],
) -> Explanation:
    """Explain one target from its pieces of evidence."""
    readings = [_read(piece.evidence) for piece in pieces if not piece.refusal]
    all_signals = tuple(signal for reading in readings for signal in reading.signals)
    is_page = kind == "html"
    target = Target(
        image_url=None if is_page else url, page_url=url if is_page else None, agent=asked.agent
    )
    signals = applicable_without_url(all_signals, target)
    about: Scope = "page" if is_page else "image"
    shown = [_as_for_images(signal) for signal in signals] if is_page else []
    agent = asked.agent
    unread = _unread_licences(pieces)
    texts = [*notes, *_of_licences(unread), *(t for r in readings for t in r.warnings)]
    return Explanation(
        name=name,
        kind=kind,
        target=target,
        pieces=tuple(pieces),
        signals=signals,
        outranked=len(_rules(all_signals) - _rules(signals)),
        warnings=tuple(texts),
        verdicts=tuple(decide(signals, p, agent, asked=about) for p in asked.policies),
        of_images=tuple(decide(shown, p, agent) for p in asked.policies if is_page),
        is_about_training=any(
            use in _TRAINING for s in (signals if url else all_signals) for use, _ in s.uses
        ),
        unread_licences=unread,
        hints=_hints(name, kind, pieces),
    )


def _hints(name: str, kind: str, pieces: Sequence[Piece]) -> tuple[Hint, ...]:
    """Return the near misses in all evidence, and in the target's own place."""
    hints = list(misplaced(name, kind))
    for piece in pieces:
        signals = () if piece.refusal else _read(piece.evidence).signals
        evidence = replace(piece.evidence, text=piece.instead or piece.evidence.text)
        hints += hints_of(evidence, signals)
    return tuple(dict.fromkeys(hints))


def _read(evidence: Evidence) -> Reading:
    return _read_site_file(evidence) if evidence.about == "site" else read(evidence)


@lru_cache(maxsize=64)
def _read_site_file(evidence: Evidence) -> Reading:
    """Read a site file once for all the pages and images of an archive."""
    return read(evidence)


def _as_for_images(signal: Signal) -> Signal:
    """Return a page's signal as it applies to images whose URL is not known.

    A rule that applies to the page's path covers the page only. A rule for the whole site
    covers images, too, but its permissions do not: images may be on another host.
    """
    if signal.rule is not None and not is_everywhere(signal.rule.pattern):
        return replace(signal, scope="page")
    if signal.scope != "site":
        return signal
    return replace(signal, uses=tuple(use for use in signal.uses if use[1] != "allowed"))


def _rules(signals: tuple[Signal, ...]) -> set[tuple[str, int]]:
    """Return the rules that have a meaning for a use, by file and line."""
    return {(s.url, s.rule.order) for s in signals if s.rule is not None and s.uses}


def licences(pieces: Iterable[Piece]) -> list[str]:
    """Return the URLs of the RSL documents that marks name, once each."""
    signals = (s for piece in pieces if not piece.refusal for s in _read(piece.evidence).signals)
    urls = (s.licence_url for s in signals if s.vocabulary == "rsl" and s.rule is None)
    return list(dict.fromkeys(url for url in urls if url))


def _unread_licences(pieces: Sequence[Piece]) -> tuple[str, ...]:
    """Return the URLs of the RSL documents that marks name but that were not read."""
    known = {p.evidence.url for p in pieces if p.evidence.carrier == "rsl-xml" and not p.refusal}
    return tuple(url for url in licences(pieces) if url not in known)


def _of_licences(unread: Sequence[str]) -> list[str]:
    texts = [f"licence not read: {url}: explain it, too" for url in unread[:SHOWN_LICENCES]]
    more = len(unread) - SHOWN_LICENCES
    return [*texts, f"{more} more licences not read"] if more > 0 else texts


def validation(evidence: Evidence) -> tuple[str, tuple[str, ...]] | None:
    """Return the validation state of Content Credentials and its codes; None for other evidence.

    The state is C2PA's `Invalid`, `Valid` or `Trusted`, or `unknown` where none is given.
    """
    if evidence.carrier != "c2pa-json" or not evidence.text:
        return None
    try:
        store = json.loads(evidence.text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(store, dict):
        return None
    state, given = store.get("validation_state"), store.get("validation_status")
    listed = given[:MAX_CODES] if isinstance(given, list) else []
    codes = [status.get("code") for status in listed if isinstance(status, dict)]
    texts = [code[:100] for code in codes if isinstance(code, str)]
    return state[:100] if isinstance(state, str) else "unknown", tuple(dict.fromkeys(texts))


def deciding(signals: Iterable[Signal], verdict: Verdict) -> list[bool]:
    """Return for each signal whether it is among those that made a verdict.

    Signals are compared as marks: settling may have made a refusal conditional.
    """
    made = {_mark(signal) for signal in verdict.deciding}
    return [_mark(signal) in made for signal in signals]


def _mark(signal: Signal) -> tuple[object, ...]:
    order = signal.rule.order if signal.rule else None
    return signal.name, signal.carrier, signal.url, signal.raw, order, signal.agents
