"""Which of a site's matching rules win, agent by agent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from registry.model import Signal

_STRICTNESS = {"reserved": 3, "conditional": 2, "allowed": 1}


@dataclass(frozen=True, slots=True)
class Contest:
    """Agents to whom the same rules are addressed, so that the same rules win."""

    agents: tuple[str, ...]
    addresses: tuple[int, ...]


class Contests:
    """Which rules compete with each other: an agent's rules are those of its addresses.

    An address is a file, vocabulary, precedence and tuple of agents, by number.
    Memory and time are linear in the agents and rules of the text, not in their
    product: a hostile file has thousands of both.
    """

    def __init__(self, signals: Sequence[Signal]) -> None:
        """Find the contests among the rules of `signals`."""
        self._signals = signals
        self._address: dict[int, int] = {}
        self._at: list[list[Contest]] = []
        self._gather()

    def _gather(self) -> None:
        # Hashing a tuple of agents takes long; the rules of a group share it: it is hashed once.
        by_identity: dict[int, int] = {}
        by_value: dict[tuple[str, ...], int] = {}
        known: dict[tuple[str, str, str, int], int] = {}
        addresses_of: dict[tuple[str, str, str, str], list[int]] = {}
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
                # Rules for all agents also compete for the agents that no rule names.
                for agent in signal.agents or ("",):
                    addresses_of.setdefault((*file, agent), []).append(address)
        self._pair(addresses_of)

    def _pair(self, addresses_of: dict[tuple[str, str, str, str], list[int]]) -> None:
        with_same: dict[tuple[int, ...], list[str]] = {}
        for (_, _, _, agent), addresses in addresses_of.items():
            with_same.setdefault(tuple(addresses), []).append(agent)
        for together, agents in with_same.items():
            contest = Contest(tuple(agents), together)
            for address in together:
                self._at[address].append(contest)

    def between(
        self, matched: Iterable[int], lengths: dict[int, int]
    ) -> Iterator[tuple[Contest, list[int]]]:
        """Yield the contests of the matched rules, each with the rules that compete in it.

        Only the rules that win within their own address compete: an agent has either all
        rules of an address or none.
        """
        by_address: dict[int, list[int]] = {}
        for number in matched:
            by_address.setdefault(self._address[number], []).append(number)
        best = {a: winners(rules, lengths, self._signals) for a, rules in by_address.items()}
        met = {id(contest): contest for a in best for contest in self._at[a]}
        for contest in met.values():
            competing = [number for a in contest.addresses for number in best.get(a, ())]
            yield contest, competing


def narrowed(signal: Signal, agents: list[str]) -> Signal:
    """Return the signal with only those of its agents for which it won."""
    if signal.rule is None or len(agents) == len(signal.agents) or not signal.agents:
        return signal
    won = set(agents)
    return replace(signal, agents=tuple(agent for agent in signal.agents if agent in won))


def winners(numbers: list[int], lengths: dict[int, int], signals: Sequence[Signal]) -> list[int]:
    """Return the rules that win; malformed rules do not compete with well formed ones."""
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
