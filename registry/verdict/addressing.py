"""Which signals are addressed to the given agent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from registry.agents.known import agent_token, agents
from registry.model import Signal
from registry.verdict.patterns import Pattern
from registry.verdict.policies import Policy, policy_named

# Signals that link to an RSL document.
_LINKS = frozenset({"rsl:license-line", "rsl:link"})


def addressed(signals: Sequence[Signal], agent: str | None, policy: Policy) -> list[Signal]:
    """Return the signals that are addressed to the given agent (None: any trainer), in order.

    In robots.txt an agent's own group replaces the groups of `*`; marks of all
    other carriers are for all agents, or for the agents they name.
    """
    token = agent_token(agent) if agent else None
    grouped = _with_own_group(signals, token) if token else frozenset()
    return [s for s in signals if _is_addressed(s, token, policy, s.url in grouped)]


def without_permissions_for_others(
    signals: Sequence[Signal], agent: str | None
) -> Sequence[Signal]:
    """Drop permissions of RSL documents that are linked for other agents only.

    A `License` line of a robots.txt group links the document for its agents. A refusal in
    the document is kept: the site made it, whichever agents the link is for.
    """
    links = [s for s in signals if s.name in _LINKS]
    if not any(link.agents for link in links):
        return signals
    mine = addressed(signals, agent, policy_named("letter"))
    linked = {s.licence_url for s in mine if s.name in _LINKS}
    others = {link.licence_url for link in links} - linked
    return [
        replace(s, uses=tuple(item for item in s.uses if item[1] != "allowed"))
        if s.carrier == "rsl-xml" and s.url in others
        else s
        for s in signals
    ]


def _with_own_group(signals: Iterable[Signal], token: str) -> frozenset[str]:
    """Return the URLs of the robots.txt files in which the agent has its own group."""
    return frozenset(
        signal.url
        for signal in signals
        if signal.carrier == "robots-txt" and signal.conformance == "ok" and token in signal.agents
    )


def _is_addressed(signal: Signal, token: str | None, policy: Policy, grouped: bool) -> bool:
    names = signal.agents
    if not names:
        return True
    if token is None:
        trainers = policy.refusals_of_trainers and not agents().training.isdisjoint(names)
        return "*" in names or (trainers and not _only_permits(signal))
    if token in names:
        return True
    if signal.conformance != "ok" and any(_matches(name, token) for name in names):
        return True
    return "*" in names and not grouped


def _only_permits(signal: Signal) -> bool:
    """Return whether a signal permits and refuses nothing; such a signal is for its agents only."""
    return {meaning for _, meaning in signal.uses} == {"allowed"}


def _matches(name: str, token: str) -> bool:
    """Return whether a name with a wildcard (`foo*bot`, not a valid token) matches the agent."""
    return name != "*" and "*" in name and Pattern.compile(name + "$").matches(token)
