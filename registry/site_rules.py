"""Which of a site's rules win for one URL. Pure.

Patterns follow RFC 9309, section 2.2.2, for every vocabulary that has them:
they match from the first octet of path and query, `*` stands for any octets, a
final `$` for the end, the rest is literal. Before comparing, both sides are
brought to one spelling: non-ASCII and unsafe characters percent-encoded,
unreserved characters decoded, hex digits upper case; `%2A` and `%24` are a
literal `*` and `$`. Matching takes time linear in the path, whatever the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from registry.model import Evidence, Signal, Target
from registry.signals import robots_txt
from registry.signals._agents import agent_token

_MAX_MEMO = 4096
_SAFE = "A-Za-z0-9\\-._~:/?#\\[\\]@!&'()+,;="
# Text that is its own normal form: nearly every path there is.
_PLAIN = re.compile(f"[{_SAFE}]*+")
_ODD = re.compile(f"%[0-9A-Fa-f]{{2}}|[^{_SAFE}]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_STRICTNESS = {"reserved": 3, "conditional": 2, "allowed": 1}


def url_path(url: str) -> str:
    """Return path and query of a URL, at least `/`; raises on no input."""
    rest = url.partition("://")[2] or url.removeprefix("//")
    rest = rest.partition("#")[0]
    cut = min((place for place in (rest.find("/"), rest.find("?")) if place >= 0), default=-1)
    path = rest[cut:] if cut >= 0 else "/"
    return path if path.startswith("/") else "/" + path


def url_host(url: str) -> str:
    """Return host and port of a URL in lower case, without a default port."""
    rest = url.partition("://")[2] or url.removeprefix("//")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].lower()
    return host.removesuffix(":80").removesuffix(":443").rstrip(".")


def normal_path(path: str) -> str:
    """Return a path in the spelling in which paths and patterns are compared."""
    return path if _PLAIN.fullmatch(path) else _ODD.sub(_normal, path)


def _normal(match: re.Match[str]) -> str:
    text = match.group()
    if len(text) == 3:
        character = chr(int(text[1:], 16))
        return character if character in _UNRESERVED else text.upper()
    return "".join(f"%{octet:02X}" for octet in text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: literal pieces between its `*`, and whether `$` ends it.

    `length` is in octets of the normal form, wildcards included.
    """

    pieces: tuple[str, ...]
    anchored: bool
    length: int

    @staticmethod
    def compile(pattern: str) -> Pattern:
        """Compile a pattern; every text is one."""
        anchored = pattern.endswith("$")
        body = pattern[:-1] if anchored else pattern
        pieces = tuple(normal_path(piece) for piece in body.split("*"))
        length = sum(map(len, pieces)) + len(pieces) - 1 + anchored
        return Pattern(pieces, anchored, length)

    def matches(self, path: str) -> bool:
        """Tell whether the pattern matches a path that is in normal form."""
        return path.startswith(self.pieces[0]) and self.matches_rest(path)

    def matches_rest(self, path: str) -> bool:
        """Tell the same for a path that is known to start with the first piece."""
        place = len(self.pieces[0])
        if len(self.pieces) == 1:
            return not self.anchored or len(path) == place
        for piece in self.pieces[1:-1]:
            found = path.find(piece, place)
            if found < 0:
                return False
            place = found + len(piece)
        last = self.pieces[-1]
        if self.anchored:
            return len(path) - len(last) >= place and path.endswith(last)
        return path.find(last, place) >= 0


class SiteRules:
    """The rules of one host, compiled once and asked for many paths.

    Rules compete within one file, vocabulary and agent. A signal that wins for
    some of its agents only comes back with those agents. Signals without a path
    rule (groups, comments) come back always. Rules that are not well written
    never displace a well written one: they are returned beside it.
    """

    def __init__(self, signals: Iterable[Signal]) -> None:
        """Compile the rules among `signals`."""
        self._signals = tuple(signals)
        self._patterns: list[Pattern] = []
        self._rules_of: list[list[int]] = []
        self._memo: dict[tuple[int, ...], tuple[Signal, ...]] = {}
        # Patterns by their literal start: one look-up a distinct length finds all.
        self._by_start: dict[str, list[int]] = {}
        self._compile()
        self._lengths = sorted({len(start) for start in self._by_start})

    def _compile(self) -> None:
        known: dict[str, int] = {}
        for number, signal in enumerate(self._signals):
            if signal.rule is None:
                continue
            index = known.setdefault(signal.rule.pattern, len(self._patterns))
            if index == len(self._patterns):
                pattern = Pattern.compile(signal.rule.pattern)
                self._patterns.append(pattern)
                self._rules_of.append([])
                self._by_start.setdefault(pattern.pieces[0], []).append(index)
            self._rules_of[index].append(number)

    @cached_property
    def _contests(self) -> list[_Contest]:
        return _contests(self._signals)

    def applicable(self, path: str) -> tuple[Signal, ...]:
        """Return the signals that win for a path with its query (`/a.jpg?w=600`).

        The same tuple object is returned for paths that the same patterns match.
        """
        path = normal_path(path)
        hits = self._hits(path)
        known = self._memo.get(hits)
        if known is None:
            if len(self._memo) >= _MAX_MEMO:
                self._memo.clear()
            known = self._memo[hits] = self._resolve(hits)
        return known

    def _hits(self, path: str) -> tuple[int, ...]:
        hits = []
        size = len(path)
        for length in self._lengths:
            if length > size:
                break
            for index in self._by_start.get(path[:length], ()):
                if self._patterns[index].matches_rest(path):
                    hits.append(index)
        return tuple(hits)

    def _resolve(self, hits: tuple[int, ...]) -> tuple[Signal, ...]:
        matched = {
            number: self._patterns[index].length
            for index in hits
            for number in self._rules_of[index]
        }
        won: dict[int, list[str]] = {
            number: [] for number, signal in enumerate(self._signals) if signal.rule is None
        }
        by_address: dict[_Address, list[int]] = {}
        for number in sorted(matched):
            by_address.setdefault(_address(self._signals[number]), []).append(number)
        for contest in self._contests:
            running = [n for address in contest.addresses for n in by_address.get(address, ())]
            for number in _winners(running, matched, self._signals):
                won.setdefault(number, []).extend(contest.agents)
        return tuple(_narrowed(self._signals[number], won[number]) for number in sorted(won))


_Address = tuple[str, str, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Contest:
    """Agents to whom the same rules are addressed, and so the same rules win."""

    agents: tuple[str, ...]
    addresses: tuple[_Address, ...]


def _address(signal: Signal) -> _Address:
    precedence = signal.rule.precedence if signal.rule else ""
    return signal.url, signal.vocabulary, precedence, signal.agents


def _contests(signals: Iterable[Signal]) -> list[_Contest]:
    addresses = dict.fromkeys(_address(signal) for signal in signals if signal.rule is not None)
    spoken: dict[tuple[str, str, str, str], list[_Address]] = {}
    for address in addresses:
        url, vocabulary, precedence, agents = address
        # Everybody is one more contestant, called by no token.
        for agent in agents or ("",):
            spoken.setdefault((url, vocabulary, precedence, agent), []).append(address)
    alike: dict[tuple[_Address, ...], list[str]] = {}
    for (_, _, _, agent), heard in spoken.items():
        alike.setdefault(tuple(heard), []).append(agent)
    return [_Contest(tuple(agents), heard) for heard, agents in alike.items()]


def _narrowed(signal: Signal, agents: list[str]) -> Signal:
    """Return the signal for those of its agents that it won for."""
    if signal.rule is None or len(agents) == len(signal.agents) or not signal.agents:
        return signal
    won = set(agents)
    return replace(signal, agents=tuple(agent for agent in signal.agents if agent in won))


def _winners(numbers: list[int], lengths: dict[int, int], signals: Sequence[Signal]) -> list[int]:
    """Return the rules that win, well written ones first judged by themselves."""
    proper = [number for number in numbers if signals[number].conformance == "ok"]
    if len(proper) == len(numbers):
        return _win(numbers, lengths, signals)
    among_all = _win(numbers, lengths, signals)
    return sorted(
        {*_win(proper, lengths, signals)}
        | {number for number in among_all if signals[number].conformance != "ok"}
    )


def _win(numbers: list[int], lengths: dict[int, int], signals: Sequence[Signal]) -> list[int]:
    rules = {n: rule for n in numbers if (rule := signals[n].rule) is not None}
    if not rules:
        return []
    precedence = next(iter(rules.values())).precedence
    if precedence == "all":
        return numbers
    if precedence == "first":
        return [min(rules, key=lambda n: rules[n].order)]
    longest = max(lengths[n] for n in rules)
    tied = [n for n in rules if lengths[n] == longest]
    if precedence == "longest-restrict":
        return tied
    return [min(tied, key=lambda n: (_strictness(signals[n]), rules[n].order))]


def _strictness(signal: Signal) -> int:
    return max((_STRICTNESS[meaning] for _, meaning in signal.uses), default=0)


def applicable(signals: Sequence[Signal], target: Target) -> tuple[Signal, ...]:
    """Reduce path-scoped signals to those that win for the target.

    Site signals that stood on the image's host are matched against the image's
    URL; those on the page's host against the page's, and come back with scope
    `page` where the image's URL is not what they match. Others are dropped, and
    signals of an image or a page come back as they are. A signal without a URL,
    and a target without any, stand for the same host.
    """
    kept = tuple(signal for signal in signals if signal.scope != "site")
    site = [signal for signal in signals if signal.scope == "site"]
    asked = target.image_url or target.page_url or ""
    of_image = _for_url(site, asked)
    if not target.page_url or target.page_url == asked:
        return kept + of_image
    known = set(of_image)
    of_page = (signal for signal in _for_url(site, target.page_url) if signal not in known)
    return kept + of_image + tuple(replace(signal, scope="page") for signal in of_page)


def _for_url(site: list[Signal], url: str) -> tuple[Signal, ...]:
    host = url_host(url)
    here = [s for s in site if not s.url or not host or url_host(s.url) == host]
    return SiteRules(here).applicable(url_path(url)) if here else ()


class Robots:
    """A robots.txt as a crawler obeys it.

    Malformed refusals are obeyed too: being kept out by a misspelt line is the
    smaller mistake.
    """

    def __init__(self, text: str) -> None:
        """Read the text of one robots.txt."""
        evidence = Evidence(carrier="robots-txt", about="site", url="", text=text)
        self._signals = robots_txt.read(evidence).signals
        self._named = {agent for s in self._signals if s.rule is None for agent in s.agents}
        self._rules: dict[str, SiteRules] = {}

    def allowed(self, url: str, agent: str) -> bool:
        """Tell whether the agent (a product token, with or without version) may fetch a URL."""
        path = url_path(url)
        if path == "/robots.txt":
            return True
        token = agent_token(agent)
        group = token if token in self._named else "*"
        if group not in self._rules:
            own = [s for s in self._signals if s.rule is not None and group in s.agents]
            self._rules[group] = SiteRules(replace(s, agents=(group,)) for s in own)
        return not any(signal.uses for signal in self._rules[group].applicable(path))


def robots_allowed(text: str, url: str, agent: str) -> bool:
    """Tell whether robots.txt `text` lets `agent` fetch `url` (RFC 9309)."""
    return Robots(text).allowed(url, agent)
