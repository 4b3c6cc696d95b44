"""`Content-Usage`: usage preferences of the IETF working group AIPREF.

Refuses: `train-ai=n`.

Where: a field of any response, about the content of the response; and lines in the
groups of `/robots.txt`. There is no form for HTML.

Examples:

    Content-Usage: train-ai=n, search=y

    User-agent: *
    Content-Usage: train-ai=n
    Content-Usage: /press/ train-ai=y

Grammar: a Dictionary (RFC 9651), parsed after all field lines were joined with
", "; with one error anywhere the whole field is ignored. Labels are lower case; a
preference is the Token `y` or `n` and nothing else: strings, booleans, lists, `N` and
`no` are unknown. Of equal labels the last counts; unknown labels and parameters are
ignored. In robots.txt a value that starts with `/` has a path up to the first space
or tab, then the preference; without a path it covers all paths. There a Content-Usage
line is a rule: a user-agent line after it starts a group. The longest path that
matches wins; of equal ones all count, the stricter first. A path that may not be
fetched has no preference (see registry.verdict.precedence).

What it says: `train-ai` is about training, `search` about search, `ai-use` about
input to a model; `n` reserves and `y` allows. A label has no effect on the uses of
other labels. A preference in a page's header covers the page, not the images on it.

Who: a few sites and a module for Nuxt, often with labels that were dropped. No
RFC yet: draft-ietf-aipref-vocab-08 and -attach-05 are working group drafts.

Decisions: since vocab-07 `train-ai` is about models that generate, in 02 to 04 about
any model. A value does not name its draft, so `y` and `n` are read for both uses.
Labels of earlier drafts (`ai`, `genai`, `tdm`, `bots`, `all`, `train-genai`,
`ai-output`, `inference`) are legacy: read with the hierarchy of their draft,
where a narrower label decides for its part, and their `y` permits nothing.
Malformed refusals are kept if they are recognisable: another case, `no` for `n`,
`ai-train`, blanks around `=`, a trailing comma, a JSON object, a value in
quotes, a path without its slash, a line before any user-agent line. So is an `n`
that a later `y` replaces: a proxy that adds its line must not cancel a refusal of the
origin. A later value that is not a Token cancels earlier values of its own line,
as in the drafts' examples. `exceptions=cc-cr` (CC signals) is ignored on current
labels, as an AIPREF reader must, and makes the refusal of a legacy one
conditional. A robots.txt line without a known label still has its path
(`content-usage:unknown`). Of a header MAX_VALUE characters are parsed, of a
robots.txt MAX_LINES lines or MAX_SIGNALS preferences. The part that was cut off might
cancel a permission, so then no permission is kept (also not in a robots.txt that is too
long), and cut lines of robots.txt count as a refusal of everything.

Sources: https://datatracker.ietf.org/doc/draft-ietf-aipref-vocab/,
https://datatracker.ietf.org/doc/draft-ietf-aipref-attach/ and their earlier
versions, https://www.rfc-editor.org/rfc/rfc9651.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from registry.model import Conformance, Evidence, PathRule, Reading, Scope, Signal, Use
from registry.model import Meaning as MeaningOf
from registry.signals import _preferences, _robots_groups
from registry.signals._directives import MAX_RAW
from registry.signals._preferences import Preference
from registry.signals._robots_groups import Group, Line
from registry.signals._structured import MAX_VALUE
from registry.text import quote

CARRIERS = ("headers", "robots-txt")
HEADERS = ("content-usage",)
LICENSABLE = True

MAX_LINES = 500
MAX_SIGNALS = 1_000
# Signals times the agents they address: every signal names its agents wherever it
# is written down.
MAX_ADDRESSED = 100_000
MAX_WARNINGS = 20

_FIELD = "content-usage"
_MISSPELT = ("content_usage", "content usage", "contentusage")
_BLANK = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Statement:
    """The preferences of one field value, and its place.

    `unknown`: a well formed value without a known label.
    """

    preferences: tuple[Preference, ...]
    raw: str
    agents: tuple[str, ...] = ()
    rule: PathRule | None = None
    unknown: bool = False


def read(evidence: Evidence) -> Reading:
    """Read the preferences of a response's header lines, or of a robots.txt."""
    stated, warnings = statements(evidence)
    signals: dict[Signal, None] = {}
    for statement in stated:
        if statement.unknown and statement.rule:
            signals[signal(evidence, statement, "content-usage:unknown")] = None
        for preference in statement.preferences:
            name = f"content-usage:{preference.label}={preference.value}"
            shown = f"{name}(legacy)" if preference.label not in _preferences.CURRENT else name
            made = signal(evidence, statement, shown, preference.uses, preference.conformance)
            signals[made] = None
    return Reading(tuple(signals), warnings)


def signal(
    evidence: Evidence,
    statement: Statement,
    name: str,
    uses: tuple[tuple[Use, MeaningOf], ...] = (),
    conformance: Conformance = "ok",
) -> Signal:
    """Return a signal of a statement; all signals of one statement compete as one rule."""
    scope: Scope = "image" if evidence.about == "image" else "page"
    return Signal(
        name=name,
        vocabulary="content-usage",
        carrier=evidence.carrier,
        scope="site" if statement.rule else scope,
        raw=statement.raw[:MAX_RAW],
        url=evidence.url,
        uses=uses,
        agents=statement.agents,
        rule=statement.rule,
        conformance=conformance,
    )


@lru_cache(maxsize=4)
def statements(evidence: Evidence) -> tuple[tuple[Statement, ...], tuple[str, ...]]:
    """Return the statements in a piece of evidence, and the warnings about it."""
    warnings: dict[str, None] = {}
    if evidence.carrier == "headers":
        stated = list(_of_header(evidence, warnings))
    else:
        stated = _of_robots(_robots_groups.bounded(evidence.text), warnings)
        if _robots_groups.too_long(evidence.text):
            stated = [_without_permissions(statement) for statement in stated]
    for statement in stated:
        for preference in statement.preferences:
            if preference.conformance == "malformed":
                name = f"{preference.label}={preference.value}"
                warnings[f"{name}: {preference.fault}: {quote(statement.raw)}"] = None
            elif preference.conformance == "legacy":
                warnings[f"{preference.label}: a label of an earlier draft"] = None
    shown = list(warnings)
    if len(shown) > MAX_WARNINGS:
        shown[MAX_WARNINGS:] = [f"and {len(shown) - MAX_WARNINGS} more of these"]
    return tuple(stated), tuple(shown)


def _of_header(evidence: Evidence, warnings: dict[str, None]) -> Iterator[Statement]:
    lines = [(name, value) for name, value in evidence.lines if name.strip().lower() == _FIELD]
    if not lines:
        return
    kept: list[tuple[str, str]] = []
    budget = MAX_VALUE
    for name, value in lines:
        kept.append((name[:MAX_RAW], value[:budget]))
        budget -= len(value) + 2
        if budget < 0:
            break
    whole = budget >= -2 and len(kept) == len(lines)
    field = _preferences.preferences_of([value for _, value in kept], whole=whole)
    raw = "\n".join(f"{name}: {value}" for name, value in kept)[:MAX_RAW]
    if not field.parsed:
        why = "is not a Dictionary" if whole else f"is longer than {MAX_VALUE} characters"
        warnings[f"Content-Usage {why} and states no preference: {quote(raw)}"] = None
    yield Statement(field.preferences, raw)


def _of_robots(text: str, warnings: dict[str, None]) -> list[Statement]:
    """Read a robots.txt; above a limit only its refusals, and a refusal of everything."""
    statements: list[Statement] = []
    lines, signals, budget = 0, 0, MAX_ADDRESSED
    for group in _robots_groups.groups(text, rules=frozenset({_FIELD})):
        stated = group.of(_FIELD, *_MISSPELT)
        lines += len(stated)
        made = list(_of_group(group, stated, warnings)) if lines <= MAX_LINES else []
        counts = [len(statement.preferences) + statement.unknown for statement in made]
        signals += sum(counts)
        budget -= sum(n * len(statement.agents) for n, statement in zip(counts, made, strict=True))
        if lines > MAX_LINES or signals > MAX_SIGNALS or budget < 0:
            others = dict(warnings)
            warnings.clear()
            warnings["too many Content-Usage lines: read as a refusal of everything"] = None
            warnings.update(others)
            return [*map(_without_permissions, statements), _refusal_of_everything(stated[0])]
        statements += made
    return statements


def _refusal_of_everything(line: Line) -> Statement:
    uses: tuple[tuple[Use, MeaningOf], ...] = (("train", "reserved"), ("train-genai", "reserved"))
    refusal = Preference("train-ai", "n", uses, "malformed", fault="cut off")
    return Statement((refusal,), line.raw, rule=PathRule("", "longest-restrict", line.number))


def _without_permissions(statement: Statement) -> Statement:
    kept = tuple(each for each in statement.preferences if each.value == "n")
    return replace(statement, preferences=kept, unknown=False)


def _of_group(group: Group, stated: list[Line], warnings: dict[str, None]) -> Iterator[Statement]:
    if not stated:
        return
    whom = _robots_groups.addressees(group, rules=(_FIELD, *_MISSPELT))
    warnings.update(dict.fromkeys(whom.warnings))
    for line in stated:
        pattern, value, proper = _path(line.value)
        proper = proper and line.kind == _FIELD
        field = _preferences.preferences_of([value], whole=len(value) <= MAX_VALUE)
        if not field.parsed:
            text = f"malformed line {line.number + 1}: {quote(line.raw)}"
            warnings[text] = None
        rule = PathRule(pattern, "longest-restrict", line.number)
        guesses = _preferences.refusals(field.preferences, "not in its place")
        if whom.proper:
            preferences = field.preferences if proper else guesses
            unknown = proper and field.parsed and bool(value) and not preferences
            yield Statement(preferences, line.raw, whom.proper, rule, unknown)
        if whom.guessed and guesses:
            yield Statement(guesses, line.raw, whom.guessed, rule)


def _path(value: str) -> tuple[str, str, bool]:
    """Return a line's path pattern and preference, and whether the path is well formed."""
    first, *rest = _BLANK.split(value, maxsplit=1)
    if value.startswith("/"):
        return first, rest[0] if rest else "", True
    if rest and "=" not in first and ("/" in first or "*" in first):
        return first if first.startswith("*") else f"/{first}", rest[0], False
    return "", value, True
