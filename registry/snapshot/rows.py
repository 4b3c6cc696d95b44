"""The values that a build writes: pictures, claims, signals of observations. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from registry.db.rows import (
    ClaimRow,
    ImageRow,
    ObservationRow,
    ViewRow,
)
from registry.model import PathRule, Signal, Target
from registry.urls.key import host_of
from registry.verdict.licensing import CLAIMANT
from registry.verdict.site_rules import applicable

MAX_QUOTE = 4096


def recorded_host(host: str) -> str:
    """Return a recorded host (with its port) as URL keys spell it."""
    return host_of(f"//{host}/") or host


def placed(signals: tuple[Signal, ...], row: ObservationRow) -> tuple[Signal, ...]:
    """Return the marks of an image and its page; of marks with paths, those that apply.

    A licence within a page or a file (RSL) has paths, like one in a file of its own.
    """
    if all(signal.scope != "site" for signal in signals):
        return signals
    won = applicable(signals, Target(row.fetched_url or row.image_url, row.page_url))
    foreign = row.relation == "third-party"
    return tuple(replace(s, third_party=foreign and s.scope == "page") for s in won)


def merged(signals: Sequence[Signal]) -> tuple[Signal, ...]:
    """Merge the signals that differ only in agents and place.

    One line for a hundred agents becomes one signal; a signal without agents is already
    for all agents.
    """
    agents: dict[Signal, tuple[str, ...]] = {}
    for signal in signals:
        rule = signal.rule and replace(signal.rule, order=0)
        bare = replace(signal, agents=(), rule=rule)
        known = agents.get(bare, signal.agents)
        agents[bare] = known + signal.agents if known and signal.agents else ()
    return tuple(replace(s, agents=tuple(dict.fromkeys(a))) for s, a in agents.items())


def image_row(row: ImageRow) -> dict[str, Any]:
    """Return the row of a picture."""
    return {
        "id": row.id,
        "sha256": row.sha256,
        "md5": row.md5,
        "phash64": None if row.phash64 is None else int.from_bytes(row.phash64),
        "phash256": row.phash256,
        "width": row.width,
        "height": row.height,
    }


def claim_signals(claim: ClaimRow) -> tuple[Signal, ...]:
    """Return the signal of a claim about an image, and who states it, if it is a condition."""
    signal = _claim_signal(claim)
    if not claim.claimant:
        return (signal,)
    raw = f"{CLAIMANT}: {claim.claimant}"
    return signal, replace(signal, name=CLAIMANT, raw=raw, uses=(), licence_url=None)


def _claim_signal(claim: ClaimRow) -> Signal:
    # A reservation of mining includes training (as in TDMRep and PLUS), and training in a
    # list means all training, generative or not.
    more = {"tdm": ("tdm", "train", "train-genai"), "train": ("train", "train-genai")}
    uses = more.get(claim.use, (claim.use,))
    text = claim.evidence or f"{claim.meaning} for {claim.use}, says {claim.source}"
    if claim.file_name:
        text += f": {claim.file_name}"
    return Signal(
        name=claim.signal or "claim",
        vocabulary="claim",
        carrier="claim",
        scope="image",
        raw=text[:MAX_QUOTE],
        url=claim.page_url or claim.url or "",
        uses=tuple((use, claim.meaning) for use in uses),  # type: ignore[misc]
        licence_url=claim.licence_url,
    )


def site_claim_signals(claim: ClaimRow, site: str) -> tuple[Signal, ...]:
    """Return the same of a claim about a site, with its rule for paths."""
    rule = PathRule(claim.path_pattern or "/", "all", 0)
    # Host and path as claimed: the claim has no URL.
    place = site + (claim.path_pattern or "")
    signals = claim_signals(claim)
    return tuple(replace(one, scope="site", url=place, rule=rule) for one in signals)


def view_row(row: ViewRow) -> dict[str, Any]:
    """Return the row of a further view of a picture."""
    return {
        "picture": row.image_id,
        "view": row.view,
        "phash64": int.from_bytes(row.phash64),
        "phash256": row.phash256,
    }
