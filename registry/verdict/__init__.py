"""From signals to a verdict, under a named and versioned policy. Pure.

What a mark says is the readers' business, which of several marks of one
vocabulary stands is `registry.verdict.precedence`'s; which marks count, and how those of
different vocabularies combine, is decided by the two tables below. A policy and
a vocabulary are a row each; `docs/discussions.md` has the contested ones.

How marks combine, and why:

- Several marks speak of one use: reserved over conditional over allowed over
  silence. Art. 4(3) asks for one reservation, not for unanimity; AIPREF (vocab
  5.1), RSL and the robots meta extension say the same of themselves.
- Training and generative training: the stricter of the two, and allowed only if
  both are. A permission for one is none for the other.
- A site refuses a use and licenses it: conditional. RSL's guide writes just this pair.
- A mark on the page, an image on it: by vocabulary (`covers_images`). DeviantArt
  defined noai for the images of the page; TDMRep and AIPREF speak of the document.
- A permission on the page never reaches an image: the page's owner need not own it.
- What is malformed, dead or unsigned refuses at most: a guess must not permit.
- robots.txt refuses a named agent: that agent; under `cautious` a refused trainer
  means everybody. Who closes the door to eight trainers means the ninth too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from registry.agents.known import agent_token, agents
from registry.errors import UsageError
from registry.model import (
    DECISIONS,
    TRAINING_USES,
    About,
    Conformance,
    Decision,
    Signal,
    Use,
    Verdict,
)
from registry.signals import vocabularies_with
from registry.urls.paths import url_host
from registry.verdict.patterns import Pattern
from registry.verdict.precedence import settled


@dataclass(frozen=True, slots=True)
class Policy:
    """Which signals count.

    `names` None means all. `conformance` lists the grades that count; what is
    not `ok` counts as a refusal only. `refusals_of_trainers`: a refusal
    addressed to any training agent counts when nobody in particular asks.
    `page_marks`: what a page or its path says counts for its images as a refusal,
    unless it shows somebody else's; even where the vocabulary does not say so.
    `tdm`: a refusal of text and data mining counts as one of training.
    """

    name: str
    version: int
    reason: str
    names: frozenset[str] | None = None
    conformance: frozenset[Conformance] = frozenset({"ok"})
    refusals_of_trainers: bool = False
    page_marks: bool = False
    tdm: bool = False

    def __str__(self) -> str:
        """Return the policy as verdicts name it."""
        return f"{self.name}@{self.version}"


POLICIES = (
    Policy(
        "cautious",
        2,
        "A reservation needs to be express, not well formed, and need not name its addressees: "
        "clear refusals count that are malformed, undocumented, on the page's path, or "
        "addressed to training agents by name. Nothing of that kind ever permits.",
        conformance=frozenset({"ok", "legacy", "malformed", "unverified"}),
        refusals_of_trainers=True,
        page_marks=True,
        tdm=True,
    ),
    Policy(
        "letter",
        2,
        "What current documents say, literally: well formed marks for everybody or for the "
        "agent that asks; robots.txt speaks of the URLs it covers.",
    ),
    Policy(
        "noai",
        1,
        "The artists' label alone: `noai` and `noimageai`, in headers or pages.",
        names=frozenset({"noai", "noimageai"}),
    ),
    Policy(
        "eu-tdm",
        1,
        "A reservation of text and data mining in the sense of art. 4(3) of Directive (EU) "
        "2019/790: express, by machine-readable means, metadata or the terms of a website "
        "(recital 18). Vocabularies that a protocol once defined count, guesses do not; nor "
        "does a refusal of named agents, which reserves nothing against others.",
        conformance=frozenset({"ok", "legacy"}),
        page_marks=True,
        tdm=True,
    ),
)


_REFUSALS: tuple[Decision, ...] = ("reserved", "conditional")
# A signal, the use it speaks of, and what it says of it.
Said = tuple[Signal, Use, Decision]
Reach = Literal["all", "refusals", "nothing"]

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


@lru_cache(maxsize=64)
def policy_named(name: str) -> Policy:
    """Return a policy by `name` or `name@version`; UsageError where there is none."""
    for policy in POLICIES:
        if name in {policy.name, str(policy)}:
            return policy
    raise UsageError(f"no policy {name!r}", f"known policies: {', '.join(map(str, POLICIES))}")


def decide(
    signals: Sequence[Signal],
    policy: str = "cautious",
    agent: str | None = None,
    *,
    asked: About = "image",
) -> Verdict:
    """Decide whether training is reserved, from signals that are already `applicable`.

    `agent` is the product token of who asks; None means any trainer, none in
    particular. `asked` is `page` where the question is about the page itself, not
    an image on it. `deciding` holds the signals that made the decision, in their
    order; UsageError names the known policies.
    """
    chosen = policy_named(policy)
    heard = settled(addressed(_offered(signals, agent), agent, chosen), asked)
    said = _own_readings(heard, agent, chosen, asked)
    for signal in heard:
        said += _says(signal, chosen, asked)
    decision = _decision(said)
    if decision == "reserved" and (licences := _licensed(said, asked)):
        decision, said = "conditional", licences
    deciding = [s for s, _, d in said if d == decision] if decision != "unspecified" else []
    named = [s for s in heard if chosen.names is None or s.name in chosen.names]
    urls = (s.licence_url for s in [*deciding, *named] if s.licence_url)
    return Verdict(decision, str(chosen), tuple(dict.fromkeys(deciding)), next(urls, None))


def _decision(said: Iterable[Said]) -> Decision:
    """Combine what was said of each use: the stricter of the two, allowed only if both are."""
    found: dict[str, set[Decision]] = {}
    for _, use, decision in said:
        found.setdefault(use, set()).add(decision)
    each = [_strictest(found.get(use, set())) for use in TRAINING_USES]
    each += [d for d in found.get("tdm", set()) if d in _REFUSALS]
    refusals = [decision for decision in each if decision in _REFUSALS]
    if refusals:
        return _strictest(refusals)
    return "allowed" if set(each) == {"allowed"} else "unspecified"


def _strictest(decisions: Iterable[Decision]) -> Decision:
    return min(decisions, key=DECISIONS.index, default="unspecified")


def _licensed(said: Sequence[Said], asked: About) -> list[Said]:
    """Return refusals and licences as one condition, where every refuser also licenses.

    Only for vocabularies that are `licensable`, and only of one declarant: what a site
    offers does not lift what another site refuses, or what the picture's own file does.
    """
    offers = {
        (_declarant(s), use)
        for s, use, d in said
        # What refuses at most makes no offer either: a dead label lifts no refusal, and
        # a licence for the page's path is none for the image.
        if d == "conditional" and s.conformance == "ok" and _is_licensable(s)
        if s.scope != "page" or asked == "page"
    }
    refusals = [item for item in said if item[2] == "reserved"]
    for signal, use, _ in refusals:
        # A licence that says no itself has the last word on what it licenses.
        if not _is_licensable(signal) or signal.vocabulary == "rsl":
            return []
        if (_declarant(signal), "train" if use == "tdm" else use) not in offers:
            return []
    return [(s, use, "conditional") for s, use, d in said if d in _REFUSALS]


def _declarant(signal: Signal) -> str:
    """Return who speaks: a site, by its host, or whoever wrote into the file."""
    return "file" if signal.carrier in {"xmp", "c2pa-json"} else url_host(signal.url)


def _is_licensable(signal: Signal) -> bool:
    return signal.vocabulary in vocabularies_with("LICENSABLE")


def addressed(signals: Sequence[Signal], agent: str | None, policy: Policy) -> list[Signal]:
    """Return the signals that speak to whoever asks, in their order.

    In robots.txt an agent's own group replaces the groups of `*`; marks of all
    other carriers speak to everybody and to the agents they name.
    """
    token = agent_token(agent) if agent else None
    grouped = _with_own_group(signals, token) if token else frozenset()
    return [s for s in signals if _speaks_to(s, token, policy, s.url in grouped)]


def _offered(signals: Sequence[Signal], agent: str | None) -> Sequence[Signal]:
    """Take from RSL documents what they permit, where only others are led to them.

    A `License` line of a robots.txt group leads its agents there. What the document
    refuses stays refused: it is the site's word, whoever was to read it.
    """
    lines = [s for s in signals if s.name in {"rsl:license-line", "rsl:link"}]
    if not any(line.agents for line in lines):
        return signals
    mine = addressed(signals, agent, policy_named("letter"))
    led = {s.licence_url for s in mine if s.name in {"rsl:license-line", "rsl:link"}}
    others = {line.licence_url for line in lines} - led
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


def _speaks_to(signal: Signal, token: str | None, policy: Policy, grouped: bool) -> bool:
    names = signal.agents
    if not names:
        return True
    if token is None:
        trainers = policy.refusals_of_trainers and not agents().training.isdisjoint(names)
        return "*" in names or (trainers and not _only_permits(signal))
    if token in names:
        return True
    if signal.conformance != "ok" and any(_like(name, token) for name in names):
        return True
    return "*" in names and not grouped


def _only_permits(signal: Signal) -> bool:
    """Tell whether a signal permits and refuses nothing; what one agent may, others may not."""
    return {meaning for _, meaning in signal.uses} == {"allowed"}


def _like(name: str, token: str) -> bool:
    """Tell whether a name that is no token (`foo*bot`) means the agent."""
    return name != "*" and "*" in name and Pattern.compile(name + "$").matches(token)


def _says(signal: Signal, policy: Policy, asked: About) -> list[Said]:
    """Return what a signal says of training, as far as the policy lets it count."""
    if policy.names is not None and signal.name not in policy.names:
        return []
    if signal.conformance not in policy.conformance:
        return []
    reach = _reach(signal, policy, asked)
    if reach == "nothing":
        return []
    refuses_only = signal.conformance != "ok" or reach == "refusals"
    uses: tuple[Use, ...] = (*TRAINING_USES, "tdm") if policy.tdm else TRAINING_USES
    spoken = [(use, signal.meaning(use)) for use in uses]
    return [
        (signal, use, meaning)
        for use, meaning in spoken
        if meaning is not None and not (refuses_only and meaning == "allowed")
    ]


def _reach(signal: Signal, policy: Policy, asked: About) -> Reach:
    """Tell how far what stands on a page, or covers its path, reaches the image on it."""
    if signal.scope != "page" or asked == "page":
        return "all"
    if signal.rule is None and signal.vocabulary in vocabularies_with("COVERS_IMAGES"):
        return "all"
    return "refusals" if policy.page_marks and not signal.third_party else "nothing"


def _own_readings(
    signals: Iterable[Signal], agent: str | None, policy: Policy, asked: About
) -> list[Said]:
    """Apply what the asking agent's operator says that it takes from a directive.

    Of several the operator's own order holds among well formed ones; a guess at a
    malformed one may be added to them as a refusal, but loosens none.
    """
    readings = OWN_READINGS.get(agent_token(agent) if agent else "", {})
    if not readings or policy.names is not None:
        return []
    counted = [s for s in signals if s.conformance in policy.conformance]
    heard = [s for s in counted if _reach(s, policy, asked) != "nothing"]
    proper = [s for s in heard if s.conformance == "ok"]
    strictest_first = sorted(readings.items(), key=lambda item: DECISIONS.index(item[1]))
    for among, order in ((proper, list(readings.items())), (heard, strictest_first)):
        for name, decision in order:
            named = [s for s in among if s.name.startswith(name)]
            if named:
                return [(s, use, decision) for s in named for use in TRAINING_USES]
    return []
