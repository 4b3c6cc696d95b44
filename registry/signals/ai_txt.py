"""`ai.txt` (Spawning): file types of a host that datasets may or may not use.

Refuses: `Disallow`.

Where: `/ai.txt` of the host that serves the media.

Example:

    # Spawning AI
    User-agent: *
    Disallow: *.jpg
    Allow: *.mp4
    Disallow: /

Grammar: that of robots.txt, with patterns for file types (`*.jpg`), matched
against path and query; `/` or `*` match everything. No document says which
rule wins: the longest does, and `Allow` on a tie, as in robots.txt.

What it says: `Disallow` reserves training for the URLs it matches. `Allow` permits it if
the file is one of Spawning's generator: it has the generator's first line, or rules for
file types, and nothing else. In a copy of robots.txt `Allow` permits crawling, and so has
no effect here; such a copy is recognised by a Sitemap or any other record, a path or a `$`.

Signals: `ai-txt:disallow` and `ai-txt:allow`, one for each rule.

Decisions: a group for `*` is for all agents, and a group for one agent adds to it:
no document says that it replaces it. Types are compared as they are written;
`*.JPG` and `*.Jpg` are added to `*.jpg` as malformed refusals. Refusals that are malformed
in robots.txt are malformed here, too, and so is `.jpg` without its star. Spawning's plug-in
ends lines in `/`: `User-agent: */` means `*`. A file that is a web page or prose
is not read. At most MAX_RULES rules are read; if there are more, nothing is
permitted. The file of the page's host covers the page's path only.

Who: Spawning's generator and plug-in for WordPress, and copies by hand. The
vendor is dormant since 2025.

Sources: Spawning-Inc/spawning-wp-plugin@b7da489 `includes/form-handler.php` and
`config/ai_txt_options.json`, healsdata/ai-training-opt-out@f8829dc `ai.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from registry.agents.known import TRAINING
from registry.evidence.carriers import Carrier
from registry.evidence.web_page import is_web_page
from registry.model import Conformance, Evidence, Meaning, PathRule, Reading, Signal, Use
from registry.signals import _robots_groups
from registry.signals._directives import MAX_RAW
from registry.signals._robots_groups import Group, Line
from registry.text import quote

CARRIERS = ("ai-txt",)
# `registry.signals.well_known_ai` reads these files, too.
SITE_FILES = (
    Carrier(
        "ai-txt",
        "site",
        ("/ai.txt", "/.well-known/ai.txt", "/.well-known/ai.json"),
        "media",
        names=("ai.txt", "ai.json"),
        words=r"^#[ \t]*spawning",
    ),
)

MAX_TEXT = 2 * 1024 * 1024
MAX_RULES = 20_000
MAX_AGENTS = 500
MAX_WARNINGS = 20

_RULES = ("allow", "disallow")
_PLUGIN_AGENT = re.compile(r"^([ \t]*user-agent[ \t]*:[ \t]*\*)/[ \t\r]*$", re.I | re.M)
_FILE_TYPE = re.compile(r"\*(\.[a-z0-9]{1,10})(\$?)", re.IGNORECASE)
_BARE_TYPE = re.compile(r"\.[a-z0-9]{1,10}\$?", re.IGNORECASE)
# The first line of the generator's files; the plug-in adds a slash to it.
_HEADER = re.compile(r"#[ \t]*spawning ai/?", re.IGNORECASE)
_EVERYTHING = frozenset({"", "/", "*", "/*", "*/"})
_PERMITTED: tuple[tuple[Use, Meaning], ...] = tuple((use, "allowed") for use, _ in TRAINING)


def read(evidence: Evidence) -> Reading:
    """Read every group of one ai.txt."""
    text = _PLUGIN_AGENT.sub(r"\1", bounded(evidence.text))
    if is_web_page("ai-txt", text):
        return Reading(warnings=(f"a web page instead of ai.txt: {quote(text)}",))
    groups = _robots_groups.groups(text)
    if not _has_form(text, groups):
        return Reading(warnings=tuple(_bounds_crossed(evidence.text, groups)))
    warnings = _bounds_crossed(evidence.text, groups)
    signals: list[Signal] = []
    # A rule that was not read might refuse URLs that another one permits.
    permits, budget = _is_generated(text) and not warnings, MAX_RULES
    for group in groups:
        rules = group.of(*_RULES)[:budget]
        budget -= len(rules)
        signals += _group_signals(group, rules, permits, evidence.url, warnings)
    warnings += _other_case(signals)
    if len(warnings) > MAX_WARNINGS:
        more = len(warnings) - MAX_WARNINGS
        warnings[MAX_WARNINGS:] = [f"and {more} more such lines"]
    return Reading(tuple(signals), tuple(warnings))


def bounded(text: str) -> str:
    """Return a text cut to MAX_TEXT at a line end, without byte order mark and NULs."""
    if len(text) > MAX_TEXT:
        text = text[:MAX_TEXT].replace("\r", "\n").rpartition("\n")[0]
    return _robots_groups.bounded(text)


def _is_generated(text: str) -> bool:
    """Return whether the file has the form of Spawning's generator, so that `Allow` permits."""
    lines = _robots_groups.lines(text)
    if any(line.kind not in {"agent", *_RULES} for line in lines):
        return False
    named = {line.value for line in lines if line.kind in _RULES} - _EVERYTHING
    if not all(_FILE_TYPE.fullmatch(value) or _BARE_TYPE.fullmatch(value) for value in named):
        return False
    headed = any(_HEADER.fullmatch(comment) for comment in _robots_groups.comments(text))
    return headed or any(value.startswith("*") and not value.endswith("$") for value in named)


def _has_form(text: str, groups: Iterable[Group]) -> bool:
    """Return whether the file has agents and rules, and is not prose with a few such lines."""
    spawnings = any("spawning" in line.lower() for line in _robots_groups.comments(text)) or any(
        _FILE_TYPE.fullmatch(line.value) for group in groups for line in group.of(*_RULES)
    )
    kinds = [line.kind for line in _robots_groups.lines(text)]
    rules = sum(kind in _RULES for kind in kinds)
    if not rules or not (spawnings or "agent" in kinds):
        return False
    lines = [line.strip() for line in text.splitlines()]
    prose = sum(1 for line in lines if line and not line.startswith("#")) - len(kinds)
    return prose <= rules + kinds.count("agent")


def _bounds_crossed(text: str, groups: Iterable[Group]) -> list[str]:
    warnings = []
    if len(text) > MAX_TEXT:
        warnings.append(f"ai.txt longer than {MAX_TEXT} characters, read up to there")
    if sum(len(group.of(*_RULES)) for group in groups) > MAX_RULES:
        warnings.append(f"ai.txt has more than {MAX_RULES} rules, the others not read")
    if any(len(group.names) > MAX_AGENTS for group in groups):
        warnings.append(f"ai.txt has a group of more than {MAX_AGENTS} agents, the others not read")
    return warnings


def _group_signals(
    group: Group, rules: list[Line], permits: bool, url: str, warnings: list[str]
) -> Iterator[Signal]:
    whom = _robots_groups.addressees(group)
    warnings += whom.warnings
    for line in rules:
        pattern, proper_path = _pattern(line.value)
        ok = line.proper and proper_path
        if not ok:
            warnings.append(f"malformed line {line.number + 1}: {quote(line.raw)}")
        for tokens, named in ((whom.proper, True), (whom.guessed, False)):
            if tokens and pattern:
                agents = () if "*" in tokens else tokens[:MAX_AGENTS]
                yield from _signals(line, pattern, ok and named, permits, agents, url)


def _signals(
    line: Line, pattern: str, ok: bool, permits: bool, agents: tuple[str, ...], url: str
) -> Iterator[Signal]:
    """Yield the signals of one rule; none for a malformed `Allow`."""
    if line.kind == "allow":
        if ok:
            yield _signal(line, pattern, agents, url, _PERMITTED if permits else (), "ok")
        return
    yield _signal(line, pattern, agents, url, TRAINING, "ok" if ok else "malformed")
    file_type = _FILE_TYPE.fullmatch(pattern)
    if file_type:
        ending, end = file_type.groups()
        spellings = {ending.lower(), ending.upper(), ending[:2].upper() + ending[2:].lower()}
        for other in sorted(spellings - {ending}):
            yield _signal(line, f"*{other}{end}", agents, url, TRAINING, "malformed")


def _signal(
    line: Line,
    pattern: str,
    agents: tuple[str, ...],
    url: str,
    uses: tuple[tuple[Use, Meaning], ...],
    conformance: Conformance,
) -> Signal:
    return Signal(
        name=f"ai-txt:{line.kind}",
        vocabulary="ai-txt",
        carrier="ai-txt",
        scope="site",
        raw=line.raw[:MAX_RAW],
        url=url,
        uses=uses,
        agents=agents,
        rule=PathRule(pattern, "longest-allow", line.number),
        conformance=conformance,
    )


def _pattern(value: str) -> tuple[str, bool]:
    if _BARE_TYPE.fullmatch(value):
        return f"*{value}", False
    return _robots_groups.path_of(value)


def _other_case(signals: Iterable[Signal]) -> list[str]:
    """Return one warning for all file types that are refused in other letter cases, too."""
    first = next(
        (
            s
            for s in signals
            if s.rule and _FILE_TYPE.fullmatch(s.rule.pattern) and s.conformance == "malformed"
        ),
        None,
    )
    if first is None:
        return []
    return [f"file types are read as refused in upper case, too: {quote(first.raw)}"]
