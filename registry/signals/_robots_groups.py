"""The lines and groups of a robots.txt (RFC 9309), for all vocabularies that are written in it.

A group is one or more user-agent lines and the lines after them. It ends at the
next user-agent line after a *rule*. Allow and Disallow are rules; all other
records are not, so they end neither a group nor its list of agents (section
2.2.4). A vocabulary whose own line is a rule (AIPREF) passes it as `rules`.

Source: https://www.rfc-editor.org/rfc/rfc9309.html; the accepted misspellings are
those of google/robotstxt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from registry.agents.known import agent_token, agents
from registry.text import quote

# Of a file's text in UTF-8; RFC 9309, section 2.5, requires at least 500 KiB.
MAX_BYTES = 5 * 1024 * 1024
NO_MORE_RULES: frozenset[str] = frozenset()

_LINE_END = re.compile(r"\r\n|\r|\n")
_TOKEN = re.compile(r"[a-z0-9_.-]+(?:/\S*)?")
_SECONDS = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{0,9})?|[.,][0-9]{1,9}")
_WORD = re.compile(r"[a-z0-9_.-]+")
_AGENT_KEYS = {"user-agent": True, "useragent": False, "user agent": False}
_DISALLOW_KEYS = {
    "disallow": True,
    **dict.fromkeys(("dissallow", "dissalow", "disalow", "diasllow", "disallaw"), False),
}


class Line(NamedTuple):
    """One `name: value` line.

    `kind` is `agent`, `allow`, `disallow`, or the lower-case name of any other
    record; `proper` is False if the kind was guessed from a misspelling. `number`
    counts lines from 0.
    """

    number: int
    kind: str
    value: str
    raw: str
    proper: bool


@dataclass(slots=True)
class Group:
    """User-agent lines and the lines after them, in order.

    The first group of a file may have no names: it holds the lines before the first
    user-agent line.
    """

    names: list[Line] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Line]:
        """Return the lines of these kinds."""
        return [line for line in self.lines if line.kind in kinds]


@dataclass(frozen=True, slots=True)
class Addressees:
    """The agents of a group: tokens named properly, tokens guessed, and warnings about these."""

    proper: tuple[str, ...]
    guessed: tuple[str, ...]
    warnings: tuple[str, ...]


def bounded(text: str) -> str:
    """Return a text cut to MAX_BYTES at a line end, without byte order mark and NULs."""
    if size_of(text) > MAX_BYTES:
        start = text.encode("utf-8", "surrogatepass")[:MAX_BYTES].decode("utf-8", "ignore")
        text = _LINE_END.sub("\n", start).rpartition("\n")[0]
    # U+FFFD is a byte order mark of UTF-16 decoded as UTF-8; such a text also has NULs.
    text = text.replace("\x00", "").lstrip("\ufeff\ufffd")
    return text.removeprefix("\u00ef\u00bb\u00bf")


def too_long(text: str) -> list[str]:
    """Return the warning for a file that is not read to its end."""
    if size_of(text) <= MAX_BYTES:
        return []
    return [f"robots.txt longer than {MAX_BYTES >> 20} MiB, read up to there"]


def size_of(text: str) -> int:
    """Return the size of a text in bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def comments(text: str) -> list[str]:
    """Return the lines that consist of a comment, stripped."""
    return [line.strip() for line in _LINE_END.split(text) if line.lstrip().startswith("#")]


# Several readers read the same file in turn; a small cache, as a hostile file has many lines.
@lru_cache(maxsize=2)
def lines(text: str) -> tuple[Line, ...]:
    """Return the `name: value` lines of a bounded text, comments cut off."""
    return tuple(_lines(text))


@lru_cache(maxsize=2)
def groups(text: str, rules: frozenset[str] = NO_MORE_RULES) -> tuple[Group, ...]:
    """Return the groups of a bounded text; `rules` are further kinds of lines that are rules.

    The result is cached: callers must not change the groups.
    """
    complete: list[Group] = []
    group, ended = Group(), False
    for line in lines(text):
        if line.kind == "agent":
            if ended:
                complete.append(group)
                group, ended = Group(), False
            elif not group.names and group.lines:
                # Records before the first user-agent line are in no group.
                complete.append(group)
                group = Group()
            group.names.append(line)
        else:
            group.lines.append(line)
            ended = ended or line.kind in {"allow", "disallow"} or line.kind in rules
    return (*complete, group)


def addressees(group: Group, rules: tuple[str, ...] = ("allow", "disallow")) -> Addressees:
    """Return the agents of a group; rules before any user-agent line are guessed to be for all."""
    proper: dict[str, None] = {}
    guessed: dict[str, None] = {}
    warnings: list[str] = []
    orphans = [] if group.names else group.of(*rules)
    if orphans:
        guessed["*"] = None
        warnings.append(f"rules before any user-agent line: {quote(orphans[0].raw)}")
    for line in group.names:
        token = line.value.lower()
        if line.proper and (token == "*" or _TOKEN.fullmatch(token)):
            proper[agent_token(token)] = None
        elif token:
            known = (word for word in _WORD.findall(token) if word in agents().training)
            guessed.update((name, None) for name in (agent_token(token), *known) if name)
            warnings.append(f"malformed line {line.number + 1}: {quote(line.raw)}")
    return Addressees(tuple(proper), tuple(guessed), tuple(warnings))


def crawl_delay(text: str, agent: str) -> float | None:
    """Return the seconds of the agent's `Crawl-delay`, None if it has none.

    Its groups are those that name the token, or else those of `*`; of several values the
    largest counts. The number at the start of a value is read (`2s`, `1,5`); a value without
    one is ignored.
    """
    named: dict[str, list[float]] = {}
    for group in groups(bounded(text)):
        whom = addressees(group)
        matches = (_SECONDS.match(line.value) for line in group.of("crawl-delay"))
        values = [float(match[0].replace(",", ".")) for match in matches if match]
        for name in (*whom.proper, *whom.guessed):
            named.setdefault(name, []).extend(values)
    values = named.get(agent_token(agent) or agent, named.get("*", []))
    return max(values, default=None)


def path_of(value: str) -> tuple[str, bool]:
    """Return the path pattern of a rule, and whether it is well formed."""
    if not value or value.startswith(("/", "*")):
        return value, True
    if value.lower().startswith(("http://", "https://")):
        return "/" + value.partition("://")[2].partition("/")[2], False
    return "/" + value, False


def _lines(text: str) -> Iterator[Line]:
    for number, raw in enumerate(_LINE_END.split(text)):
        content = raw.partition("#")[0].strip()
        if not content:
            continue
        name, colon, value = content.partition(":")
        if not colon:
            # Google and Protego also read `disallow /` without a colon, if it has two words.
            words = content.split()
            name, value = words if len(words) == 2 else ("", "")
        kind, proper = _kind(name.strip().lower())
        if kind and (colon or kind in {"agent", "allow", "disallow"}):
            yield Line(number, kind, value.strip(), raw, proper and bool(colon))


def _kind(name: str) -> tuple[str, bool]:
    if name in _AGENT_KEYS:
        return "agent", _AGENT_KEYS[name]
    if name in _DISALLOW_KEYS:
        return "disallow", _DISALLOW_KEYS[name]
    # A record with the name `agent` is not a user-agent line.
    return (f"{name}:" if name == "agent" else name), True
