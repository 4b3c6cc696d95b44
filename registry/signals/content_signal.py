"""`Content-Signal`: Cloudflare's content signals, in robots.txt.

Refuses: `ai-train=no`.

Where: lines within a group of `/robots.txt`; they cover the whole host, for
the agents of their group. Also seen as a response header.

Example:

    User-agent: *
    Content-Signal: search=yes, ai-train=no
    Allow: /

Who: Cloudflare's managed robots.txt, inserted before the content of the site's own
robots.txt (over 3.8 million domains); vercel.com and others by hand. The header comes from its
"Markdown for Agents" converter, by default.

Grammar: `key=value`, separated by commas. Keys `search`, `ai-input` and
`ai-train` take `yes` or `no`; `use` (July 2026) takes `immediate`, `reference`
or `full`. The line's name is in any case. It is not a rule, so it ends neither a
group nor its list of agents: two groups that have only such lines are one group. Even so,
a permission does not apply to agents that the group names after it.

What it says: `ai-train` is about training and fine-tuning, `ai-input` about
retrieval and grounding, `search` about an index without AI summaries; `no` reserves
(expressly under art. 4 of Directive (EU) 2019/790), `yes` permits, a missing key does
neither. All lines count; if they contradict each other, `no` wins. The lines of `*` do
not apply to an agent with its own group.

Decisions: the comment that explains the signals is not a signal, and files with
comments only have no effect. `use=immediate` and `use=reference` without an `ai-train` for
the same agents are read as refusals outside current documents, since training
goes beyond either; with an `ai-train` they add nothing, nor does `use=full`.
`Content-Signal: /art/ ai-train=no` (Nuxt) is read as a rule for that path,
`(path-form)`, and all such lines count; a line before any user-agent line is for all agents,
`(no-group)`; both outside current documents. Keys and values in other case,
with blanks, quotes or other separators, `ai-train=n` and AIPREF's `train-ai=n`
are malformed: refusals count as malformed, permissions are dropped. No document defines
the header, and it is often set without the owner's knowledge: its refusals count as legacy
ones, its permissions never count. A file that is too long to be read completely permits
nothing.

Sources: https://contentsignals.org/, draft-romm-aipref-contentsignals-00
(expired), Cloudflare's documentation of managed robots.txt; nuxt-modules/robots
for the form with a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from registry.agents.known import TRAINING
from registry.model import Conformance, Evidence, Meaning, PathRule, Reading, Scope, Signal, Use
from registry.signals import _robots_groups
from registry.signals._directives import MAX_LIST, MAX_RAW, too_long
from registry.signals._robots_groups import Addressees, Group, Line
from registry.text import quote

CARRIERS = ("headers", "robots-txt")
HEADERS = ("content-signal",)
LICENSABLE = True

MAX_LINES = 100
# A group has few different signals, but any number of paths. Every stored signal repeats its
# agents, so the product of paths and agents is limited, too.
MAX_PATHS = 500
MAX_AGENTS_OF_PATH = 1_000
MAX_WARNINGS = 20

Uses = tuple[tuple[Use, Meaning], ...]

_KINDS = {"content-signal": True, "content-signals": False, "content signal": False}
_USES: dict[str, tuple[Use, ...]] = {
    "ai-train": ("train", "train-genai"),
    "ai-input": ("ai-input",),
    "search": ("search",),
}
_MEANINGS: dict[str, Meaning] = {"yes": "allowed", "no": "reserved"}
# All members that are defined, as they must be written.
_KNOWN: dict[str, Uses] = {
    f"{key}={word}": tuple((use, meaning) for use in uses)
    for key, uses in _USES.items()
    for word, meaning in _MEANINGS.items()
} | {"use=immediate": TRAINING, "use=reference": TRAINING, "use=full": ()}
# A clear refusal, with any separators and quotes.
_REFUSAL = re.compile(
    r"(?<![\w-])(ai[-_]?train|train-ai|ai[-_]?input|search)[\s\"']{0,9}[=:][\s\"']{0,9}"
    r"(?:no|n|false|disallow|deny|0)(?![\w-])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Member:
    """One `key=value`, with its line and path.

    `grade` is the conformance of the member itself.
    """

    key: str
    value: str
    uses: Uses
    raw: str
    grade: Conformance = "ok"
    path: str = ""
    order: int = 0


def read(evidence: Evidence) -> Reading:
    """Read the signals of one robots.txt, or of the header lines of one response."""
    warnings: list[str] = []
    signals_of = _of_headers if evidence.carrier == "headers" else _of_robots
    signals = tuple(signals_of(evidence, warnings))
    if _robots_groups.too_long(evidence.text):
        # The part that was cut off might cancel a permission.
        signals = tuple(s for s in signals if "allowed" not in dict(s.uses).values())
    warnings = list(dict.fromkeys(warnings))
    if len(warnings) > MAX_WARNINGS:
        more = len(warnings) - MAX_WARNINGS
        warnings[MAX_WARNINGS:] = [f"and {more} more such lines"]
    return Reading(signals, tuple(warnings))


def _of_headers(evidence: Evidence, warnings: list[str]) -> Iterator[Signal]:
    scope: Scope = "image" if evidence.about == "image" else "page"
    lines = [line for line in evidence.lines if line[0].strip().lower() in HEADERS]
    if len(lines) > MAX_LINES:
        warnings.append(f"more than {MAX_LINES} Content-Signal lines: the others were not read")
    known: dict[tuple[str, str, Conformance], _Member] = {}
    for name, value in lines[:MAX_LINES]:
        raw = f"{name}: {value}"[:MAX_RAW]
        for member in _members(value, raw, warnings):
            # Permissions of `search` and `ai-input`, which the converter adds, are not recorded.
            if member.key == "ai-train" or "reserved" in dict(member.uses).values():
                known.setdefault((member.key, member.value, member.grade), member)
    if known:
        warnings.append("no document defines a Content-Signal header: it permits nothing")
    for member in known.values():
        yield Signal(
            name=f"content-signal-header:{member.key}={member.value}",
            vocabulary="content-signal",
            carrier="headers",
            scope=scope,
            raw=member.raw,
            url=evidence.url,
            uses=member.uses,
            conformance=_worst(member.grade, "legacy"),
        )


def _of_robots(evidence: Evidence, warnings: list[str]) -> Iterator[Signal]:
    # The reader `robots_txt` warns of files that are too long.
    text = _robots_groups.bounded(evidence.text)
    addressed: list[tuple[Addressees | None, list[_Member]]] = []
    for group in _robots_groups.groups(text):
        members = [m for line in group.of(*_KINDS) for m in _line_members(line, warnings)]
        addressed += _by_addressees(group, members)
    trained = _with_ai_train(addressed)
    budget = MAX_PATHS
    for whom, members in addressed:
        if whom is None:
            warnings.append(f"before any user-agent line: {quote(members[0].raw)}")
        many = whom is not None and len(whom.proper + whom.guessed) > MAX_AGENTS_OF_PATH
        kept = _within(members, 0 if many else budget)
        if len(kept) < len(members):
            warnings.append("too many paths in Content-Signal lines: not all were read")
        budget -= sum(bool(member.path) for member in kept)
        for agents, grade in _grades(whom):
            answered = bool(agents) and trained.issuperset(agents)
            yield from _signals(kept, agents, grade, answered, evidence.url, warnings)


def _by_addressees(
    group: Group, members: list[_Member]
) -> Iterator[tuple[Addressees | None, list[_Member]]]:
    """Yield members with their agents: a permission is not for agents that are named after it."""
    last = group.names[-1].number if group.names else -1
    permissions = [m for m in members if _permits(m)]
    # Of equal permissions the last has the most agents before it.
    for member in {(m.key, m.value): m for m in permissions}.values():
        if member.order < last:
            names = [line for line in group.names if line.number < member.order]
            yield _robots_groups.addressees(Group(names)), [member]
    early = {id(member) for member in permissions if member.order < last}
    others = [member for member in members if id(member) not in early]
    if others:
        yield _robots_groups.addressees(group) if group.names else None, others


def _permits(member: _Member) -> bool:
    return not member.path and member.grade == "ok" and "allowed" in dict(member.uses).values()


def _with_ai_train(addressed: list[tuple[Addressees | None, list[_Member]]]) -> frozenset[str]:
    """Return the agents for which there is a well formed `ai-train`."""
    agents: set[str] = set()
    for whom, members in addressed:
        if whom and any(m.key == "ai-train" and m.grade == "ok" and not m.path for m in members):
            agents.update(whom.proper)
    return frozenset(agents)


def _grades(whom: Addressees | None) -> list[tuple[tuple[str, ...], Conformance]]:
    """Return the agents by the conformance of their names; None (no group) has no agents."""
    if whom is None:
        return [((), "legacy")]
    grades: list[tuple[tuple[str, ...], Conformance]] = [(whom.proper, "ok")]
    return [part for part in [*grades, (whom.guessed, "malformed")] if part[0]]


def _within(members: list[_Member], budget: int) -> list[_Member]:
    """Return the members without a path, and the first `budget` of those with one."""
    with_path = [member for member in members if member.path]
    if len(with_path) <= budget:
        return members
    dropped = {id(member) for member in with_path[budget:]}
    return [member for member in members if id(member) not in dropped]


def _signals(
    members: list[_Member],
    agents: tuple[str, ...],
    grade: Conformance,
    answered: bool,
    url: str,
    warnings: list[str],
) -> Iterator[Signal]:
    """Yield each signal of a group once; `answered`: all its agents have an `ai-train`."""
    known: dict[tuple[str, str, str, Conformance], Signal] = {}
    for member in members:
        signal = _signal(member, agents, grade, answered, url)
        if member.key == "use" and signal.uses and not member.path:
            warnings.append(f"read as a refusal of training: {quote(member.raw)}")
        if signal.uses or signal.conformance != "malformed":
            identity = (member.key, member.value, member.path, signal.conformance)
            known.setdefault(identity, signal)
    yield from known.values()


def _signal(
    member: _Member, agents: tuple[str, ...], grade: Conformance, answered: bool, url: str
) -> Signal:
    uses = () if member.key == "use" and answered else member.uses
    conformance = _worst(grade, member.grade)
    if conformance == "malformed":
        uses = tuple((use, meaning) for use, meaning in uses if meaning == "reserved")
    else:
        # A member without an effect is not outside current documents either.
        conformance = "ok" if not uses else _worst(conformance, _usual(member))
    place = "(no-group)" if not agents else "(path-form)" if member.path else ""
    return Signal(
        name=f"content-signal:{member.key}={member.value}{place}",
        vocabulary="content-signal",
        carrier="robots-txt",
        scope="site",
        raw=member.raw,
        url=url,
        uses=uses,
        agents=agents,
        rule=PathRule(member.path, "all", member.order) if member.path else None,
        conformance=conformance,
    )


def _usual(member: _Member) -> Conformance:
    return "legacy" if member.path or member.key == "use" else "ok"


def _worst(*grades: Conformance) -> Conformance:
    return "malformed" if "malformed" in grades else "legacy" if "legacy" in grades else "ok"


def _line_members(line: Line, warnings: list[str]) -> Iterator[_Member]:
    """Read one line of a robots.txt."""
    path, value, raw = "", line.value, line.raw[:MAX_RAW]
    if value.startswith(("/", "*")):
        path, *rest = value.split(None, 1)
        value = rest[0] if rest else ""
        warnings.append(f"a path in a Content-Signal line: {quote(raw)}")
    if _KINDS[line.kind]:
        yield from _members(value, raw, warnings, path, line.number)
        return
    warnings.append(f"malformed line {line.number + 1}: {quote(raw)}")
    for member in _members(value, raw, warnings, path, line.number):
        yield replace(member, grade="malformed")


def _members(
    value: str, raw: str, warnings: list[str], path: str = "", order: int = 0
) -> Iterator[_Member]:
    """Read the members of one list; malformed ones can refuse, but not permit."""
    if len(value) > MAX_LIST:
        warnings += too_long(value, "a Content-Signal list")
        value = value[:MAX_LIST].rpartition(",")[0]
    for text in map(str.strip, value.split(",")):
        uses = _KNOWN.get(text)
        if uses is not None:
            key, _, word = text.partition("=")
            yield _Member(key, word, uses, raw, "ok", path, order)
        elif text:
            warnings.append(f"Content-Signal: {quote(text)} is not key=value as defined")
            for key in _refused(text):
                yield _Member(key, "no", _KNOWN[f"{key}=no"], raw, "malformed", path, order)


def _refused(text: str) -> list[str]:
    """Return the keys that a malformed text clearly refuses."""
    words = map(str.lower, _REFUSAL.findall(text))
    keys = ("ai-train" if "train" in w else "ai-input" if "input" in w else w for w in words)
    return list(dict.fromkeys(keys))
