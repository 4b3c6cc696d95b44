"""`/.well-known/ai.txt` and `ai.json` (draft-car-ai-txt-wellknown): an AI policy for a site.

Refuses: `Training: deny`.

Where: these two site files cover their host. Some sites serve the first as `/ai.txt`,
which is the path of Spawning's file (`registry.signals.ai_txt`).

Examples:

    Spec-Version: 1.0
    Site-Name: Gallery
    Training: conditional
    Training-Deny: /premium/*
    Training-Fee: https://a.example/terms

    Agent: GPTBot
      Training: deny

    {"policies": {"training": "deny"}, "agents": {"GPTBot": {"training": "deny"}}}

Grammar: lines `Name: value`, names in any case, `#` starts a comment line.
`Agent: token` opens a block, to which the indented lines after it belong.
`Training` is `allow`, `deny` or `conditional`; `Training-Allow` and
`Training-Deny` are patterns of paths. The JSON form has the same in `policies`,
`trainingPaths`, `licensing` and `agents`.

What it says: `deny` reserves training, `conditional` makes it conditional on the terms
at the URL in `Training-Fee`, `allow` permits it; for the site, for a path, or for one
agent.

Decisions: all of it is of the grade `legacy`: an individual draft that no working
group adopted and that hardly any site uses. So it can refuse, but not permit; an agent's
own block, which by the draft replaces the policy of the site, can only add a refusal. By
the draft a file without `Training` denies it; here such a file has no effect. Other values
have none either. For a path the longest matching pattern counts, the stricter on a tie.
`Training: deny` among lines of robots.txt is read, too. MAX_MARKS lines are read.

Who: the draft's author and a few generators; no well-known site.

Sources: https://datatracker.ietf.org/doc/draft-car-ai-txt-wellknown/,
kaylacar/ai-txt@12dfdc9 `SPEC.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from registry.agents.known import TRAINING, agent_token
from registry.model import Evidence, Meaning, PathRule, Reading, Signal
from registry.signals import _json, _robots_groups, ai_txt
from registry.signals._directives import MAX_RAW
from registry.signals._licence_links import absolute
from registry.text import MAX_QUOTE, quote

CARRIERS = ("ai-txt",)

MAX_MARKS = 300
MAX_WARNINGS = 20

_MEANINGS: dict[str, Meaning] = {
    "allow": "allowed",
    "deny": "reserved",
    "conditional": "conditional",
}


@dataclass(frozen=True, slots=True)
class _TrainingRule:
    """A value of `Training` for a path and an agent (empty: all agents)."""

    value: str
    raw: str
    agent: str = ""
    path: str = "/"


def read(evidence: Evidence) -> Reading:
    """Read the policy on training in either form."""
    text = evidence.text.lstrip("\ufeff\ufffd \t\r\n")
    if text.startswith("<"):
        # The reader of Spawning's ai.txt warns about it.
        return Reading()
    warnings: list[str] = []
    if text.startswith("{"):
        fee, marks = _of_json(text, warnings)
    else:
        fee, marks = _of_text(text)
    signals: list[Signal] = []
    for order, mark in enumerate(marks):
        if order == MAX_MARKS:
            warnings.append(f"more than {MAX_MARKS} lines on training, the others not read")
            break
        meaning = _MEANINGS.get(mark.value.strip().lower())
        if meaning is None:
            warnings.append(f"Training has an unknown value: {quote(mark.raw)}")
        elif mark.path.startswith(("/", "*")):
            signals.append(_signal(mark, meaning, order, evidence.url, fee))
    return Reading(tuple(signals), tuple(warnings[:MAX_WARNINGS]))


def _signal(mark: _TrainingRule, meaning: Meaning, order: int, url: str, fee: str) -> Signal:
    value = mark.value.strip().lower()
    return Signal(
        name=f"well-known-ai:training={value}",
        vocabulary="well-known-ai",
        carrier="ai-txt",
        scope="site",
        raw=mark.raw[:MAX_RAW],
        url=url,
        uses=tuple((use, meaning) for use, _ in TRAINING),
        agents=(mark.agent,) if mark.agent else (),
        rule=PathRule(mark.path[:MAX_RAW], "longest-restrict", order),
        conformance="legacy",
        licence_url=absolute(fee, url) if fee and meaning == "conditional" else None,
    )


def _of_text(text: str) -> tuple[str, list[_TrainingRule]]:
    """Return the URL of the terms, if any, and the marks of the text form."""
    fee, agent = "", ""
    marks: list[_TrainingRule] = []
    for line in _robots_groups.lines(ai_txt.bounded(text)):
        indented = line.raw[:1] in {" ", "\t"}
        if line.raw.lower().startswith("agent"):
            agent = _token(line.value)
        elif line.kind == "training":
            marks.append(_TrainingRule(line.value, line.raw, agent if indented else ""))
        elif line.kind in {"training-allow", "training-deny"}:
            value = line.kind.removeprefix("training-")
            marks.append(_TrainingRule(value, line.raw, path=line.value))
        elif line.kind == "training-fee":
            fee = fee or line.value
    return fee, marks


def _of_json(text: str, warnings: list[str]) -> tuple[str, list[_TrainingRule]]:
    """Return the URL of the terms, if any, and the marks of the JSON form."""
    value, fault = _json.value_of(text)
    if fault:
        warnings.append(f"ai.json is {fault}: {quote(text)}")
    fee = _json.member(_json.member(value, "licensing"), "feeUrl")
    return fee if isinstance(fee, str) else "", list(islice(_json_marks(value), MAX_MARKS + 1))


def _json_marks(value: object) -> Iterator[_TrainingRule]:
    training = _json.member(_json.member(value, "policies"), "training")
    if isinstance(training, str):
        yield _TrainingRule(training, f'"training": "{training[:MAX_RAW]}"')
    paths = _json.member(value, "trainingPaths")
    for word in ("allow", "deny"):
        patterns = _json.member(paths, word)
        for path in patterns if isinstance(patterns, list) else ():
            if isinstance(path, str):
                yield _TrainingRule(word, f'"{word}": ["{path[:MAX_RAW]}"]', path=path.strip())
    agents = _json.member(value, "agents")
    for name, block in agents.items() if isinstance(agents, dict) else ():
        training = _json.member(block, "training")
        if isinstance(training, str):
            raw = f'"{name[:MAX_QUOTE]}": {{"training": "{training[:MAX_RAW]}"}}'
            yield _TrainingRule(training, raw, _token(name))


def _token(name: str) -> str:
    token = agent_token(name[:MAX_QUOTE])
    return "" if token == "*" else token
