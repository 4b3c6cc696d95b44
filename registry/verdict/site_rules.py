"""Which of a site's rules win for one URL. Pure.

Patterns are those of RFC 9309, section 2.2.2, for every vocabulary that has them
(`registry.verdict.patterns`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from registry.agents.known import agent_token
from registry.model import Evidence, Signal, Target
from registry.signals import robots_txt
from registry.urls.paths import normal_path, url_host, url_path
from registry.verdict.patterns import Pattern

# How much is kept of what was asked before, in references.
_MEMO_ROOM = 1_000_000
_STRICTNESS = {"reserved": 3, "conditional": 2, "allowed": 1}


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
        self._memo_room = _MEMO_ROOM
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
    def _unruled(self) -> list[int]:
        return [number for number, signal in enumerate(self._signals) if signal.rule is None]

    @cached_property
    def _contests(self) -> _Contests:
        return _Contests(self._signals)

    def applicable(self, path: str) -> tuple[Signal, ...]:
        """Return the signals that win for a path with its query (`/a.jpg?w=600`).

        The same tuple object is returned for paths that the same patterns match.
        """
        path = normal_path(path)
        hits = self._hits(path)
        known = self._memo.get(hits)
        if known is None:
            known = self._resolve(hits)
            self._remember(hits, known)
        return known

    def _remember(self, hits: tuple[int, ...], won: tuple[Signal, ...]) -> None:
        """Keep an answer; forget all others when there is no room for it."""
        weight = len(hits) + sum(1 + len(signal.agents) for signal in won if signal.rule)
        weight += len(self._unruled)
        if weight > self._memo_room:
            self._memo.clear()
            self._memo_room = _MEMO_ROOM
        self._memo[hits] = won
        self._memo_room -= weight

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
        won: dict[int, list[str]] = {}
        for contest, running in self._contests.between(sorted(matched), matched):
            for number in _winners(running, matched, self._signals):
                won.setdefault(number, []).extend(contest.agents)
        narrowed = {n: _narrowed(self._signals[n], agents) for n, agents in won.items()}
        # Both runs are in order already, which makes sorting them a merge.
        everything = sorted([*self._unruled, *sorted(narrowed)])
        return tuple(narrowed.get(n) or self._signals[n] for n in everything)


@dataclass(frozen=True, slots=True)
class _Contest:
    """Agents to whom the same rules are addressed, and so the same rules win."""

    agents: tuple[str, ...]
    addresses: tuple[int, ...]


class _Contests:
    """Who competes with whom: rules are addressed to agents, agents hear addresses.

    An address is a file, vocabulary, precedence and tuple of agents, by number.
    Everything here takes room and time linear in the agents and rules of the
    text, not in their product: a hostile file has thousands of both.
    """

    def __init__(self, signals: Sequence[Signal]) -> None:
        self._signals = signals
        self._address: dict[int, int] = {}
        self._at: list[list[_Contest]] = []
        self._gather()

    def _gather(self) -> None:
        # Hashing a tuple reads all of it, and a group's rules share one: each is hashed once.
        by_identity: dict[int, int] = {}
        by_value: dict[tuple[str, ...], int] = {}
        known: dict[tuple[str, str, str, int], int] = {}
        heard: dict[tuple[str, str, str, str], list[int]] = {}
        for number, signal in enumerate(self._signals):
            if signal.rule is None:
                continue
            file = (signal.url, signal.vocabulary, signal.rule.precedence)
            agents = by_identity.get(id(signal.agents))
            if agents is None:
                agents = by_value.setdefault(signal.agents, len(by_value))
                by_identity[id(signal.agents)] = agents
            address = known.setdefault((*file, agents), len(known))
            self._address[number] = address
            if address == len(self._at):
                self._at.append([])
                # Everybody is one more contestant, called by no token.
                for agent in signal.agents or ("",):
                    heard.setdefault((*file, agent), []).append(address)
        self._meet(heard)

    def _meet(self, heard: dict[tuple[str, str, str, str], list[int]]) -> None:
        alike: dict[tuple[int, ...], list[str]] = {}
        for (_, _, _, agent), addresses in heard.items():
            alike.setdefault(tuple(addresses), []).append(agent)
        for together, agents in alike.items():
            contest = _Contest(tuple(agents), together)
            for address in together:
                self._at[address].append(contest)

    def between(
        self, matched: Iterable[int], lengths: dict[int, int]
    ) -> Iterator[tuple[_Contest, list[int]]]:
        """Yield the contests that some of the matched rules run in, with the runners.

        Of one address only those run that win against the others of it: nobody
        hears one of them without the others.
        """
        by_address: dict[int, list[int]] = {}
        for number in matched:
            by_address.setdefault(self._address[number], []).append(number)
        best = {a: _winners(rules, lengths, self._signals) for a, rules in by_address.items()}
        met = {id(contest): contest for a in best for contest in self._at[a]}
        for contest in met.values():
            running = [number for a in contest.addresses for number in best.get(a, ())]
            yield contest, running


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
        first = min(rule.order for rule in rules.values())
        return [n for n in rules if rules[n].order == first]
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


def concerns(signal: Signal, host: str) -> bool:
    """Tell whether a rule may speak of URLs on a host: some are limited to another one."""
    return signal.rule is None or signal.rule.host in {None, host}


def _for_url(site: list[Signal], url: str) -> tuple[Signal, ...]:
    host = url_host(url)
    here = [s for s in site if not host or (_stood_on(s, host) and concerns(s, host))]
    return SiteRules(here).applicable(url_path(url)) if here else ()


def _stood_on(signal: Signal, host: str) -> bool:
    """Tell whether a signal's file speaks for a host: it stood there, or it names the host."""
    named = signal.rule is not None and signal.rule.host == host
    return named or not signal.url or url_host(signal.url) == host


def _of_agent(signals: Iterable[Signal], agent: str) -> list[Signal]:
    """Return the rules that address an agent, as if they addressed it alone."""
    rules = [signal for signal in signals if signal.rule is not None]
    # Signals of one group share their agents: each tuple is searched once.
    shared = {id(signal.agents): signal.agents for signal in rules}
    addressed = {identity for identity, agents in shared.items() if agent in agents}
    return [replace(s, agents=(agent,)) for s in rules if id(s.agents) in addressed]


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
            self._rules[group] = SiteRules(_of_agent(self._signals, group))
        return not any(signal.uses for signal in self._rules[group].applicable(path))
