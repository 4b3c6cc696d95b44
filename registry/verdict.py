"""From signals to a verdict, under a named and versioned policy. Pure.

The policies are the table below; a new one is a new row. What a mark says is
the readers' business, which marks count is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from registry.errors import UsageError
from registry.model import DECISIONS, TRAINING_USES, Conformance, Decision, Signal, Verdict
from registry.signals._agents import agent_token, agents
from registry.site_rules import Pattern


@dataclass(frozen=True, slots=True)
class Policy:
    """Which signals count.

    `names` None means all. `conformance` lists the grades that count; what is
    not `ok` counts as a refusal only. `refusals_of_trainers`: a refusal
    addressed to any training agent counts when nobody in particular asks.
    `page_rules`: a site rule that covers the page but not the image's own URL
    counts, unless the page shows somebody else's image.
    """

    name: str
    version: int
    reason: str
    names: frozenset[str] | None = None
    conformance: frozenset[Conformance] = frozenset({"ok"})
    refusals_of_trainers: bool = False
    page_rules: bool = False

    def __str__(self) -> str:
        """Return the policy as verdicts name it."""
        return f"{self.name}@{self.version}"


POLICIES = (
    Policy(
        "cautious",
        1,
        "A reservation needs to be express, not well formed, and need not name its addressees: "
        "clear refusals count that are malformed, undocumented, on the page's path, or "
        "addressed to training agents by name. Nothing of that kind ever permits.",
        conformance=frozenset({"ok", "legacy", "malformed"}),
        refusals_of_trainers=True,
        page_rules=True,
    ),
    Policy(
        "letter",
        1,
        "What current documents say, literally: well formed marks for everybody or for the "
        "agent that asks; robots.txt speaks of the URLs it covers.",
    ),
    Policy(
        "noai",
        1,
        "The artists' label alone: `noai` and `noimageai`, in headers or pages.",
        names=frozenset({"noai", "noimageai"}),
    ),
)

# Agents whose operators document a meaning of their own for a directive that
# says nothing to others: Bing Webmaster Blog, September 2023 (with both, the
# looser `nocache` holds); https://developer.amazon.com/amazonbot.
OWN_READINGS: dict[str, dict[str, Decision]] = {
    "bingbot": {"nocache": "conditional", "noarchive": "reserved"},
    "amazonbot": {"noarchive": "reserved"},
}


def known_policies() -> tuple[str, ...]:
    """Return the names of all policies, the default first."""
    return tuple(policy.name for policy in POLICIES)


def policy_named(name: str) -> Policy:
    """Return a policy by `name` or `name@version`; UsageError where there is none."""
    for policy in POLICIES:
        if name in {policy.name, str(policy)}:
            return policy
    raise UsageError(f"no policy {name!r}", f"known policies: {', '.join(map(str, POLICIES))}")


def decide(
    signals: Sequence[Signal], policy: str = "cautious", agent: str | None = None
) -> Verdict:
    """Decide whether training is reserved, from signals that are already `applicable`.

    `reserved` over `conditional` over `allowed` over `unspecified`, for training
    and generative training together. `agent` is the product token of who asks;
    None means any trainer, none in particular. `deciding` holds the signals
    that made the decision, in their order; UsageError names the known policies.
    """
    chosen = policy_named(policy)
    counted = [s for s in addressed(signals, agent, chosen) if _counts(s, chosen)]
    said = _own_readings(counted, agent) + [(signal, _says(signal)) for signal in counted]
    ranked = [(DECISIONS.index(decision), signal) for signal, decision in said]
    best = min((rank for rank, _ in ranked), default=DECISIONS.index("unspecified"))
    decision = DECISIONS[best]
    deciding = [s for rank, s in ranked if rank == best] if decision != "unspecified" else []
    licences = (s.licence_url for s in [*deciding, *counted] if s.licence_url)
    return Verdict(decision, str(chosen), tuple(deciding), next(licences, None))


def addressed(signals: Sequence[Signal], agent: str | None, policy: Policy) -> list[Signal]:
    """Return the signals that speak to whoever asks, in their order.

    In robots.txt an agent's own group replaces the groups of `*`; marks of all
    other carriers speak to everybody and to the agents they name.
    """
    token = agent_token(agent) if agent else None
    grouped = _with_own_group(signals, token) if token else frozenset()
    return [s for s in signals if _speaks_to(s, token, policy, s.url in grouped)]


def _with_own_group(signals: Iterable[Signal], token: str) -> frozenset[str]:
    """Return the URLs of the robots.txt files in which the agent has its own group."""
    return frozenset(
        signal.url
        for signal in signals
        if signal.carrier == "robots-txt" and signal.conformance == "ok" and token in signal.agents
    )


def _speaks_to(signal: Signal, token: str | None, policy: Policy, grouped: bool) -> bool:
    names = signal.agents
    if not names:
        return True
    if token is None:
        trainers = policy.refusals_of_trainers and not agents().training.isdisjoint(names)
        return "*" in names or trainers
    if token in names:
        return True
    if signal.conformance != "ok" and any(_like(name, token) for name in names):
        return True
    return "*" in names and not grouped


def _like(name: str, token: str) -> bool:
    """Tell whether a name that is no token (`foo*bot`) means the agent."""
    return name != "*" and "*" in name and Pattern.compile(name + "$").matches(token)


def _counts(signal: Signal, policy: Policy) -> bool:
    if policy.names is not None and signal.name not in policy.names:
        return False
    if signal.conformance not in policy.conformance:
        return False
    if signal.conformance != "ok" and _says(signal) == "allowed":
        return False
    # A rule for paths that was matched by the page's URL alone (registry.site_rules).
    on_page_path = signal.carrier == "robots-txt" and signal.scope == "page"
    return not on_page_path or (policy.page_rules and not signal.third_party)


def _says(signal: Signal) -> Decision:
    """Return the strictest meaning of a signal for training."""
    meanings = [signal.meaning(use) for use in TRAINING_USES]
    return next((decision for decision in DECISIONS if decision in meanings), "unspecified")


def _own_readings(signals: Iterable[Signal], agent: str | None) -> list[tuple[Signal, Decision]]:
    """Apply what the asking agent's operator says that it takes from a directive."""
    readings = OWN_READINGS.get(agent_token(agent) if agent else "", {})
    for name, decision in readings.items():
        said = [(signal, decision) for signal in signals if signal.name.startswith(name)]
        if said:
            return said
    return []
