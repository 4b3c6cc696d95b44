"""Which of a site's rules win for one URL. Pure.

Patterns are those of RFC 9309, section 2.2.2, for every vocabulary that has them
(`registry.verdict.patterns`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from registry.agents.known import agent_token
from registry.model import Evidence, Signal, Target
from registry.signals import robots_txt
from registry.urls.paths import normal_path, url_host, url_path
from registry.verdict.contests import Contests, narrowed, winners
from registry.verdict.patterns import ByStart, Pattern, is_everywhere

# Most references in the cache of earlier answers.
_CACHE_BUDGET = 1_000_000


class SiteRules:
    """The rules of one host, compiled once and applied to many paths.

    Rules compete within one file, vocabulary and agent. A signal that wins for
    some of its agents only is returned with those agents. Signals without a path
    rule (groups, comments) are always returned. Malformed rules never replace a
    well formed one: they are returned in addition to it.
    """

    def __init__(self, signals: Iterable[Signal]) -> None:
        """Compile the rules among `signals`."""
        self._signals = tuple(signals)
        self._patterns: list[Pattern] = []
        self._rules_of: list[list[int]] = []
        self._memo: dict[tuple[int, ...], tuple[Signal, ...]] = {}
        self._cache_budget = _CACHE_BUDGET
        self._by_start = ByStart()
        self._compile()

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
                self._by_start.add(pattern.pieces[0], index)
            self._rules_of[index].append(number)

    @cached_property
    def _unruled(self) -> list[int]:
        return [number for number, signal in enumerate(self._signals) if signal.rule is None]

    @cached_property
    def _contests(self) -> Contests:
        return Contests(self._signals)

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
        """Cache an answer; drop all others if the budget does not suffice."""
        weight = len(hits) + sum(1 + len(signal.agents) for signal in won if signal.rule)
        weight += len(self._unruled)
        if weight > self._cache_budget:
            self._memo.clear()
            self._cache_budget = _CACHE_BUDGET
        self._memo[hits] = won
        self._cache_budget -= weight

    def _hits(self, path: str) -> tuple[int, ...]:
        return tuple(i for i in self._by_start.of(path) if self._patterns[i].matches_rest(path))

    def _resolve(self, hits: tuple[int, ...]) -> tuple[Signal, ...]:
        matched = {
            number: self._patterns[index].length
            for index in hits
            for number in self._rules_of[index]
        }
        won: dict[int, list[str]] = {}
        for contest, competing in self._contests.between(sorted(matched), matched):
            for number in winners(competing, matched, self._signals):
                won.setdefault(number, []).extend(contest.agents)
        rules = {n: narrowed(self._signals[n], agents) for n, agents in won.items()}
        # Both lists are sorted, so that sorting them together is a merge.
        everything = sorted([*self._unruled, *sorted(rules)])
        return tuple(rules.get(n) or self._signals[n] for n in everything)


def applicable(signals: Sequence[Signal], target: Target) -> tuple[Signal, ...]:
    """Return the signals that apply to the target: of rules with a path, those that win.

    Signals of the image's host are matched against the image's URL; those of the page's
    host against the page's, and returned with scope `page` if they do not match the
    image's URL. Those of other hosts are dropped, and signals of an image or a page
    returned as they are. A signal without a URL, and a target without any, count as
    of the same host.
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
    """Return whether a rule can apply to URLs of a host: some rules are for another host."""
    return signal.rule is None or signal.rule.host in {None, host}


def claim_covers(signals: Sequence[Signal]) -> tuple[bool, bool]:
    """Return whether a claim on a site refuses all its uses, and whether the whole site."""
    refuses = all(meaning != "allowed" for signal in signals for _, meaning in signal.uses)
    patterns = (signal.rule.pattern if signal.rule else "/" for signal in signals)
    return refuses, refuses and any(map(is_everywhere, patterns))


def rules_of_host(
    signals: Iterable[Signal], host: str, paths: Collection[str] = ()
) -> list[Signal]:
    """Return the rules in a file of a host that apply to any of the paths; without paths, all."""
    here = [signal for signal in signals if concerns(signal, host)]
    if not paths:
        return here
    rules = SiteRules(here)
    return list(dict.fromkeys(s for path in paths for s in rules.applicable(path)))


def _for_url(site: list[Signal], url: str) -> tuple[Signal, ...]:
    host = url_host(url)
    here = [s for s in site if not host or (_is_of(s, host) and concerns(s, host))]
    return SiteRules(here).applicable(url_path(url)) if here else ()


def _is_of(signal: Signal, host: str) -> bool:
    """Return whether a signal's file is of a host: it was found there, or it names the host."""
    named = signal.rule is not None and signal.rule.host == host
    return named or not signal.url or url_host(signal.url) == host


def _of_agent(signals: Iterable[Signal], agent: str) -> list[Signal]:
    """Return the rules for an agent, with it as their only agent."""
    rules = [signal for signal in signals if signal.rule is not None]
    # Signals of one group share their agents: each tuple is searched once.
    shared = {id(signal.agents): signal.agents for signal in rules}
    addressed = {identity for identity, agents in shared.items() if agent in agents}
    return [replace(s, agents=(agent,)) for s in rules if id(s.agents) in addressed]


class Robots:
    """A robots.txt as a crawler obeys it.

    Malformed refusals are obeyed, too: not fetching because of a misspelt line is the
    smaller error.
    """

    def __init__(self, text: str) -> None:
        """Read the text of one robots.txt."""
        evidence = Evidence(carrier="robots-txt", about="site", url="", text=text)
        self._signals = robots_txt.read(evidence).signals
        self._named = {agent for s in self._signals if s.rule is None for agent in s.agents}
        self._rules: dict[str, SiteRules] = {}

    def allowed(self, url: str, agent: str) -> bool:
        """Return whether the agent (a product token, with or without version) may fetch a URL."""
        path = url_path(url)
        if path == "/robots.txt":
            return True
        token = agent_token(agent)
        group = token if token in self._named else "*"
        if group not in self._rules:
            self._rules[group] = SiteRules(_of_agent(self._signals, group))
        return not any(signal.uses for signal in self._rules[group].applicable(path))
