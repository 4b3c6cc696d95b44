"""robots.txt: groups of agents and the paths they may not fetch (RFC 9309).

Refuses: `Disallow` for a training agent, for an unknown agent, or for `*`.

Where: `/robots.txt` of the host that serves the URL asked about.

Example:

    User-agent: GPTBot
    User-agent: CCBot
    Disallow: /art/

Who: nearly every site; of 1,447 real files that name AI agents (May 2024), 1,250
refuse a training agent. Crawlers obey it, as their operators say; some do not.

Grammar: lines `name: value`, names in any case; `#` starts a comment; CR, LF
or CRLF end a line. A group is one or more user-agent lines and the rules after
them. Blank lines and lines of other vocabularies (`Sitemap`, `Content-Signal`,
unknown ones) neither end a group nor its list of agents. All groups that name
an agent count together; the groups of `*` apply to an agent that no group names. Of
the rules that match, the longest wins, `Allow` on a tie.

What it says: a `Disallow` reserves training for the agents it addresses, since
content that may not be fetched may not be used for training; for agents that only search
or fetch for a user it reserves that use. `Allow` permits fetching, never training:
it has no effect except that it outranks a shorter `Disallow`.

Signals: one for each rule (`robots-txt:disallow`, `robots-txt:allow`), or several if the
group has agents with different purposes; one `robots-txt:group` for each group, so that
an agent with a group is known even if no rule matches; and
`robots-txt:natural-language-comment` if a comment mentions training: no protocol reads
it, and it has no effect by itself.

Decisions: tokens are compared as a whole and may hold digits and dots (`AI2Bot`),
which are missing in the RFC's grammar. A missing colon, a misspelt `Disallow`, an agent
value that is not a token (`Kangaroo Bot`, `foo*bot`), a rule before any agent
and a path without its slash are malformed: refusals among them are kept as
malformed, permissions dropped. Of a file longer than 5 MiB the complete lines within
that limit are read (the RFC requires 500 KiB). Only the product of rules and agents is
limited: a group that exceeds MAX_ADDRESSED counts as a malformed refusal of everything.

Source: https://www.rfc-editor.org/rfc/rfc9309.html; the accepted misspellings are
those of google/robotstxt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from registry.agents.known import refused_uses
from registry.model import Conformance, Evidence, Meaning, PathRule, Reading, Signal, Use
from registry.signals import _robots_groups
from registry.signals._directives import MAX_RAW
from registry.signals._robots_groups import Group, Line, path_of
from registry.text import quote

CARRIERS = ("robots-txt",)

# Product of rules and their agents, summed over the file. Every stored signal repeats its
# agents, so a file of 100 KB could fill gigabytes.
MAX_ADDRESSED = 1_000_000
MAX_WARNINGS = 20

Uses = tuple[tuple[Use, Meaning], ...]

_MACHINES = re.compile(r"\b(?:ai|llms?|language models?)\b", re.IGNORECASE)
_LEARNING = re.compile(r"text and data mining|machine learning", re.IGNORECASE)
_TRAINING = re.compile(r"\btrain(?:ed|ing)?\b", re.IGNORECASE)


def read(evidence: Evidence) -> Reading:
    """Read every group of one robots.txt."""
    warnings = _robots_groups.too_long(evidence.text)
    text = _robots_groups.bounded(evidence.text)
    signals = list(_comment(text, evidence.url))
    budget = MAX_ADDRESSED
    for group in _robots_groups.groups(text):
        rules = group.of("allow", "disallow")
        if rules and len(group.names) * len(rules) > budget:
            rules = _refusal_of_everything(rules[0], warnings)
        budget = max(0, budget - len(group.names) * len(rules))
        signals += _group_signals(group, rules, evidence.url, warnings)
    if len(warnings) > MAX_WARNINGS:
        more = len(warnings) - MAX_WARNINGS
        warnings[MAX_WARNINGS:] = [f"and {more} more such lines"]
    return Reading(tuple(signals), tuple(warnings))


def _refusal_of_everything(first: Line, warnings: list[str]) -> list[Line]:
    """Return one rule that refuses everything, for a group that is too large to be read."""
    warnings.insert(
        0,
        f"the product of rules and agents exceeds {MAX_ADDRESSED:,} in the group before line"
        f" {first.number + 1}: it is read as a refusal of everything",
    )
    return [Line(first.number, "disallow", "/", first.raw, proper=False)]


def _group_signals(
    group: Group, rules: list[Line], url: str, warnings: list[str]
) -> Iterator[Signal]:
    whom = _robots_groups.addressees(group)
    warnings += whom.warnings
    # The signals of a group share these tuples: with a copy for each, memory would
    # grow with the product of agents and rules.
    if whom.proper:
        raw = "\n".join(line.raw for line in group.names)[:MAX_RAW]
        yield _signal("group", raw, url, whom.proper)
    parts = [(tokens, uses, True) for uses, tokens in _by_uses(whom.proper)]
    parts += [(tokens, uses, False) for uses, tokens in _by_uses(whom.guessed)]
    for line in rules:
        pattern, proper_path = path_of(line.value)
        if not pattern:
            continue
        rule = PathRule(pattern, "longest-allow", line.number)
        ok = line.proper and proper_path
        if not ok:
            # Warnings above the limit are only counted.
            is_shown = len(warnings) <= MAX_WARNINGS
            warnings.append(
                f"malformed line {line.number + 1}: {quote(line.raw)}" if is_shown else ""
            )
        if line.kind == "allow":
            if ok and whom.proper:
                yield _signal("allow", line.raw, url, whom.proper, rule=rule)
            continue
        for tokens, uses, named in parts:
            conformance: Conformance = "ok" if ok and named else "malformed"
            yield _signal(
                "disallow", line.raw, url, tokens, rule=rule, uses=uses, conformance=conformance
            )


def _by_uses(tokens: Iterable[str]) -> list[tuple[Uses, tuple[str, ...]]]:
    """Return the tokens grouped by the uses that their refusal reserves, in order of occurrence."""
    parts: dict[Uses, list[str]] = {}
    for token in tokens:
        parts.setdefault(refused_uses(token), []).append(token)
    return [(uses, tuple(members)) for uses, members in parts.items()]


def _comment(text: str, url: str) -> Iterator[Signal]:
    """Yield a signal if a comment mentions training in prose.

    Files with Cloudflare's explanation of Content-Signal give none: the operator of the
    site did not write it, and it expresses no preference.
    """
    comments = _robots_groups.comments(text)
    if any("content-signal" in line.lower() for line in comments):
        return
    if any(map(_mentions_training, comments)):
        yield _signal("natural-language-comment", "\n".join(comments)[:MAX_RAW], url, ())


def _mentions_training(line: str) -> bool:
    if _LEARNING.search(line):
        return True
    return _MACHINES.search(line) is not None and _TRAINING.search(line) is not None


def _signal(
    name: str,
    raw: str,
    url: str,
    tokens: tuple[str, ...],
    *,
    rule: PathRule | None = None,
    uses: Uses = (),
    conformance: Conformance = "ok",
) -> Signal:
    return Signal(
        name=f"robots-txt:{name}",
        vocabulary="robots-txt",
        carrier="robots-txt",
        scope="site",
        raw=raw[:MAX_RAW],
        url=url,
        uses=uses,
        agents=tokens,
        rule=rule,
        conformance=conformance,
    )
