"""Spawning's Do-Not-Train API: the answer of its registry about a URL.

Refuses: an entry in Do-Not-Train.

Where: the response of the API to a list of image URLs; no site serves it.

Example:

    {"urls": [{"url": "https://a.example/1.jpg", "optOut": true, "optIn": false}]}

Grammar: a JSON object with the array `urls`; each entry has a URL and two Booleans. The
entry of an image is the one with its URL.

What it says: `optOut` reserves training, and wins over `optIn`, which permits it.

Decisions: all of it is of the grade `legacy`: the service is under maintenance since
2025, its responses are documented only by the code of a client, and they do not say who
entered a URL. So an opt-out counts under policies that count `legacy` marks, and an opt-in
permits under none. `1` and `"true"` instead of `true` are malformed refusals. An entry for
another URL is not read, unless the URL of the image is unknown. MAX_ENTRIES entries are
read.

Who: Spawning; Stability AI and users of datadiligence queried it.

Source: Spawning-Inc/datadiligence@ea09739 `src/datadiligence/rules/spawning.py`.
"""

from __future__ import annotations

import json

from registry.agents.known import TRAINING
from registry.model import Conformance, Evidence, Meaning, Reading, Signal
from registry.signals import _json
from registry.signals._directives import MAX_RAW
from registry.text import quote

CARRIERS = ("spawning-api",)

# As many URLs as one query may hold.
MAX_ENTRIES = 10_000
MAX_SIGNALS = 100


def read(evidence: Evidence) -> Reading:
    """Read the entry for the evidence's URL."""
    value, fault = _json.value_of(evidence.text)
    urls = _json.member(value, "urls")
    if not isinstance(urls, list):
        return Reading(warnings=(f"{fault or 'no array urls'}: {quote(evidence.text)}",))
    warnings: list[str] = []
    if len(urls) > MAX_ENTRIES:
        warnings.append(f"more than {MAX_ENTRIES} URLs, the others not read")
    entries = [
        entry
        for entry in urls[:MAX_ENTRIES]
        if not evidence.url or _json.member(entry, "url") == evidence.url
    ]
    signals = []
    for entry in entries[:MAX_SIGNALS]:
        signal = _signal(entry, evidence.url)
        if signal is not None:
            signals.append(signal)
            if signal.conformance == "malformed":
                warnings = [*warnings, f"optOut is not true or false: {quote(signal.raw)}"][:20]
    return Reading(tuple(signals), tuple(warnings))


def _signal(entry: object, url: str) -> Signal | None:
    """Return the signal of one entry; None if neither value is clearly true."""
    out = _json.member(entry, "optOut")
    if out is True:
        return _signal_named("opt-out", "reserved", entry, url)
    if isinstance(out, str) and out.strip().lower() in {"true", "1", "yes"}:
        return _signal_named("opt-out", "reserved", entry, url, "malformed")
    if out is False and _json.member(entry, "optIn") is True:
        return _signal_named("opt-in", "allowed", entry, url)
    return None


def _signal_named(
    name: str, meaning: Meaning, entry: object, url: str, conformance: Conformance = "legacy"
) -> Signal:
    return Signal(
        name=f"spawning-api:{name}",
        vocabulary="spawning-api",
        carrier="spawning-api",
        scope="image",
        raw=json.dumps(entry)[:MAX_RAW],
        url=url,
        uses=tuple((use, meaning) for use, _ in TRAINING),
        conformance=conformance,
    )
