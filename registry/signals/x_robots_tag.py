"""`X-Robots-Tag`: robots directives in an HTTP response header.

Refuses: `noai`, `noimageai`, `noml`.

Where: any response, of an image or of a page; several field lines may occur.

Example:

    X-Robots-Tag: noai, noimageai
    X-Robots-Tag: GPTBot: noai

Grammar: a comma-separated list of directives, in which `agent:` addresses the
rest of its own line to one agent. Lines are read one by one: if they were joined, a
`noai` for all agents would become part of the list of the agent before it.
`unavailable_after`, `max-snippet`, `max-image-preview` and `max-video-preview`
take a value after a colon and are not agents; a date may hold commas.

What it says: `noai`, `noimageai` and `noml` reserve training. `noindex`,
`noimageindex` and `none` reserve indexing and search, never training.
`noarchive` and `nocache` are recorded and have no effect by themselves: only Bing and
Amazon read them as statements about training, so they count only for their agents. Lines
for an agent add to those for all agents; nothing here ever permits.

Who: DeviantArt with its images, according to itself; servers and plug-ins configured by
hand. img2dataset and datadiligence read it.

Decisions: `noai; noimageai`, `noai noimageai` and `"noai"` are malformed
refusals; `notrain`, which no document defines, and `DisallowAITraining`, from a
draft that expired, are read as legacy; `AllowAITraining` permits nothing. In
`googlebot: nofollow, noai` the `noai` is for googlebot, and also counts as a malformed
refusal for all agents, since a proxy may have joined two lines. A line is read up to
8 KiB, and MAX_LINES lines are read; a refusal in the lines after them counts as malformed.

Sources: https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag,
draft-illyes-repext-03, DeviantArt journal 934500371, the NoML open letter, Bing
Webmaster Blog of September 2023, draft-canel-robots-ai-control-00.
"""

from __future__ import annotations

import re

from registry.model import Evidence, Reading, Scope, Signal
from registry.signals import _directives
from registry.text import quote

CARRIERS = ("headers",)
HEADERS = ("x-robots-tag",)
COVERS_IMAGES = True

MAX_LINES = 100
MAX_SIGNALS = 500
MAX_WARNINGS = 20
# A refusal in the lines above the limit, which are only searched.
_REFUSAL = re.compile(
    rf"(?<![\w-])(?:{'|'.join(sorted(_directives.AGAINST_TRAINING))})(?![\w-])", re.IGNORECASE
)


def read(evidence: Evidence) -> Reading:
    """Read every `X-Robots-Tag` field line, not joined and in order."""
    scope: Scope = "image" if evidence.about == "image" else "page"
    signals: dict[tuple[object, ...], Signal] = {}
    warnings: list[str] = []
    lines = [line for line in evidence.lines if _is_ours(line[0])]
    left = lines[MAX_LINES:]
    if left:
        warnings.append(f"more than {MAX_LINES} X-Robots-Tag lines: the others were not read")
    for name, value in lines[:MAX_LINES]:
        raw = f"{name}: {value}"[: _directives.MAX_RAW]
        if len(value) > _directives.MAX_LIST:
            warnings += _directives.too_long(value, "X-Robots-Tag line")
        for mark in _directives.marks(value):
            key = (mark.name, mark.agent, mark.conformance, raw)
            if len(signals) == MAX_SIGNALS and key not in signals:
                left.append((name, value))
                break
            signals.setdefault(key, _signal(mark, scope, raw, evidence.url))
            if mark.fault:
                warnings.append(f"{mark.name}: {mark.fault}: {quote(raw)}")
    refusal = next((line for line in left if _REFUSAL.search(line[1])), None)
    if refusal is not None and not any(map(_refuses_everybody, signals.values())):
        raw = f"{refusal[0]}: {refusal[1]}"[: _directives.MAX_RAW]
        mark = _directives.Mark("noai", None, "malformed", "above the limit, with a refusal")
        signals["cut off",] = _signal(mark, scope, raw, evidence.url)
        warnings.insert(0, f"{mark.name}: {mark.fault}: {quote(raw)}")
    if len(signals) >= MAX_SIGNALS:
        warnings.insert(0, f"{MAX_SIGNALS} marks in X-Robots-Tag lines: any others were not read")
    return Reading(tuple(signals.values()), tuple(dict.fromkeys(warnings))[:MAX_WARNINGS])


def _refuses_everybody(signal: Signal) -> bool:
    return signal.name in _directives.AGAINST_TRAINING and not signal.agents


def _is_ours(name: str) -> bool:
    # The length alone excludes most lines, in a fifth of the time.
    return len(name) >= len(HEADERS[0]) and name.strip().lower() == HEADERS[0]


def _signal(mark: _directives.Mark, scope: Scope, raw: str, url: str) -> Signal:
    return Signal(
        name=mark.name,
        vocabulary="x-robots-tag",
        carrier="headers",
        scope=scope,
        raw=raw,
        url=url,
        uses=_directives.USES[mark.name],
        agents=(mark.agent,) if mark.agent else (),
        conformance=mark.conformance,
    )
