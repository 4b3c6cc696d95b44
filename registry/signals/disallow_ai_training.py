"""`DisallowAITraining`, `AllowAITraining`: path rules about training in robots.txt.

Refuses: `DisallowAITraining: /path`.

Where: lines within a group of `/robots.txt`, as `Disallow` and `Allow` are.

Example:

    User-agent: *
    DisallowAITraining: /
    Allow: /

Who: launchpad.net, and copies of one template; no crawler is known to read it.

Grammar: the line's name in any case, then a path pattern as in `Disallow`. The
longest pattern that matches wins, `AllowAITraining` on a tie; an empty value
matches nothing. The lines are not rules of RFC 9309: they end neither a group nor
its list of agents, and do not compete with `Allow`.

What it says: `DisallowAITraining` reserves training for the agents of its
group. `AllowAITraining` allows training by the draft; it outranks a shorter
refusal, but since the draft has expired it permits nothing here.

Decisions: both are outside current documents, so refusals count under
`cautious` and `eu-tdm` only. The draft is about language models; sites that write the line
mean training in general, so both training uses are reserved. A line before any user-agent
line, for a name that is not a token, or with a path without its slash is malformed:
refusals count as malformed, permissions are dropped. If the product of rules and agents
exceeds MAX_ADDRESSED, a group is read as a refusal of everything, as in `robots_txt`.

Source: draft-canel-robots-ai-control-00 (Microsoft, October 2024, expired in
April 2025; its -01 dropped the two names in favour of AIPREF).
"""

from __future__ import annotations

from collections.abc import Iterator

from registry.agents.known import TRAINING
from registry.model import Conformance, Evidence, Meaning, PathRule, Reading, Signal, Use
from registry.signals import _robots_groups
from registry.signals._directives import MAX_RAW
from registry.signals._robots_groups import Group, Line, path_of
from registry.text import quote

CARRIERS = ("robots-txt",)

# Product of rules and their agents, summed over the file: see `robots_txt`.
MAX_ADDRESSED = 1_000_000
MAX_WARNINGS = 20

_KINDS = ("disallowaitraining", "allowaitraining")
_ALLOWED: tuple[tuple[Use, Meaning], ...] = tuple((use, "allowed") for use, _ in TRAINING)


def read(evidence: Evidence) -> Reading:
    """Read the rules about training in one robots.txt."""
    warnings: list[str] = []
    signals: list[Signal] = []
    budget = MAX_ADDRESSED
    for group in _robots_groups.groups(_robots_groups.bounded(evidence.text)):
        rules = group.of(*_KINDS)
        if rules and len(group.names) * len(rules) > budget:
            warnings.insert(0, f"the product of rules and agents exceeds {MAX_ADDRESSED:,}")
            rules = [Line(rules[0].number, "disallowaitraining", "/", rules[0].raw, proper=False)]
        budget = max(0, budget - len(group.names) * len(rules))
        signals += _group_signals(group, rules, evidence.url, warnings)
    if len(warnings) > MAX_WARNINGS:
        more = len(warnings) - MAX_WARNINGS
        warnings[MAX_WARNINGS:] = [f"and {more} more such lines"]
    return Reading(tuple(signals), tuple(warnings))


def _group_signals(
    group: Group, rules: list[Line], url: str, warnings: list[str]
) -> Iterator[Signal]:
    # Computed only if needed: it takes long for a group with many names.
    whom = _robots_groups.addressees(group, _KINDS) if rules else None
    for line in rules:
        pattern, proper = path_of(line.value)
        if not pattern or whom is None:
            continue
        proper = proper and line.proper
        rule = PathRule(pattern, "longest-allow", line.number)
        if not proper or whom.guessed:
            warnings.append(f"malformed line {line.number + 1}: {quote(line.raw)}")
        else:
            warnings.append(f"a rule of an expired draft: {quote(line.raw)}")
        if whom.proper and (proper or line.kind == "disallowaitraining"):
            yield _signal(line, whom.proper, rule, url, "legacy" if proper else "malformed")
        if whom.guessed and line.kind == "disallowaitraining":
            yield _signal(line, whom.guessed, rule, url, "malformed")


def _signal(
    line: Line, agents: tuple[str, ...], rule: PathRule, url: str, conformance: Conformance
) -> Signal:
    refuses = line.kind == "disallowaitraining"
    return Signal(
        name="disallow-ai-training" if refuses else "allow-ai-training",
        vocabulary="disallow-ai-training",
        carrier="robots-txt",
        scope="site",
        raw=line.raw[:MAX_RAW],
        url=url,
        uses=TRAINING if refuses else _ALLOWED,
        agents=agents,
        rule=rule,
        conformance=conformance,
    )
