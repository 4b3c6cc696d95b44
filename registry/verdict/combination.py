"""The combination of signals into one verdict. Pure.

A reader decides what a mark means, `registry.verdict.precedence` which of several marks of
one vocabulary count, `registry.verdict.addressing` whom they address, and the policy which
kinds of marks count. How marks of different vocabularies combine is decided here, and why:

- Several marks are about one use: reserved wins over conditional, conditional over allowed,
  any of these over no mark. Art. 4(3) requires one reservation, not unanimity; AIPREF (vocab
  5.1), RSL and the robots meta extension have the same rule for their own marks.
- Training and generative training: the stricter of the two, and allowed only if
  both are. A permission for one is not a permission for the other.
- A site refuses a use and licenses it: conditional. RSL's guide recommends exactly this pair.
  A reader declares the vocabularies for which this holds (`LICENSABLE`).
- A mark on the page, an image on it: a reader declares whether a page-level mark covers the
  images it shows, whoever owns them (`COVERS_IMAGES`). DeviantArt defined noai for the
  images of the page; TDMRep and AIPREF are about the document.
- A permission on the page never reaches an image: the page's owner need not own it.
- A malformed, outdated or unverified mark can refuse, but not permit: a guess must not permit.
- robots.txt refuses a named agent: only that agent is refused; under `cautious` a refusal of a
  trainer counts for all. A site that refuses eight trainers does not mean to permit a ninth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from registry.agents.known import agent_token
from registry.evidence.carriers import IN_FILES
from registry.model import DECISIONS, TRAINING_USES, Decision, Scope, Signal, Use, Verdict
from registry.signals import vocabularies_with
from registry.urls.paths import url_host
from registry.verdict.addressing import addressed, without_permissions_for_others
from registry.verdict.licensing import about_licensing
from registry.verdict.policies import Policy, policy_named
from registry.verdict.precedence import settled

_REFUSALS: tuple[Decision, ...] = ("reserved", "conditional")
# A signal, the use it is about, and the decision it makes for that use.
_Statement = tuple[Signal, Use, Decision]
# Which of a signal's statements count for the image or page to decide about.
_Reach = Literal["all", "refusals", "nothing"]

# Agents whose operators document a meaning for a directive that has none for
# others: Bing Webmaster Blog, September 2023 (if both are present, the less strict
# `nocache` counts); https://developer.amazon.com/amazonbot.
_OPERATOR_MEANINGS: dict[str, dict[str, Decision]] = {
    "bingbot": {"nocache": "conditional", "noarchive": "reserved"},
    "amazonbot": {"noarchive": "reserved"},
}


def decide(
    signals: Sequence[Signal],
    policy: str = "cautious",
    agent: str | None = None,
    *,
    asked: Scope = "image",
) -> Verdict:
    """Decide whether training is reserved, from signals that are already `applicable`.

    `agent` is the product token of the agent to decide for; None means any trainer.
    `asked` is `page` if the verdict is for the page itself, not for an image on it.
    `deciding` of the verdict holds the signals that made the decision, in their order.
    Raises UsageError for an unknown policy.
    """
    chosen = policy_named(policy)
    offered = without_permissions_for_others(signals, agent)
    remaining = settled(addressed(offered, agent, chosen), asked)
    statements = _operator_statements(remaining, agent, chosen, asked)
    for signal in remaining:
        statements += _statements(signal, chosen, asked)
    decision = _combined(statements)
    if decision == "reserved" and (conditions := _as_conditions(statements, asked)):
        decision, statements = "conditional", conditions
    deciding = [s for s, _, d in statements if d == decision] if decision != "unspecified" else []
    named = [s for s in remaining if chosen.names is None or s.name in chosen.names]
    urls = (s.licence_url for s in [*deciding, *named] if s.licence_url)
    about = about_licensing(remaining)
    return Verdict(decision, str(chosen), tuple(dict.fromkeys(deciding)), next(urls, None), about)


def _combined(statements: Iterable[_Statement]) -> Decision:
    """Return the stricter decision of the two kinds of training; allowed only if both are."""
    of_use: dict[str, set[Decision]] = {}
    for _, use, decision in statements:
        of_use.setdefault(use, set()).add(decision)
    each = [_strictest(of_use.get(use, set())) for use in TRAINING_USES]
    each += [d for d in of_use.get("tdm", set()) if d in _REFUSALS]
    refusals = [decision for decision in each if decision in _REFUSALS]
    if refusals:
        return _strictest(refusals)
    return "allowed" if set(each) == {"allowed"} else "unspecified"


def _strictest(decisions: Iterable[Decision]) -> Decision:
    return min(decisions, key=DECISIONS.index, default="unspecified")


def _as_conditions(statements: Sequence[_Statement], asked: Scope) -> list[_Statement]:
    """Return refusals and licences as one condition, if every refusal is also licensed.

    Only for vocabularies that are `LICENSABLE`, and only of one declarant: a site's offer
    cancels neither another site's refusal nor one in the picture's own file. Empty otherwise.
    """
    offers = {
        (_declarant(s), use)
        for s, use, d in statements
        # A mark that cannot permit is not an offer either, and a licence for the page's
        # path does not cover the image.
        if d == "conditional" and s.conformance == "ok" and _is_licensable(s)
        if s.scope != "page" or asked == "page"
    }
    for signal, use, decision in statements:
        if decision != "reserved":
            continue
        # An RSL licence that prohibits the use does not offer it, so the refusal is final.
        if not _is_licensable(signal) or signal.vocabulary == "rsl":
            return []
        if (_declarant(signal), "train" if use == "tdm" else use) not in offers:
            return []
    return [(s, use, "conditional") for s, use, d in statements if d in _REFUSALS]


def _declarant(signal: Signal) -> str:
    """Return who made a signal: a site, as its host, or `file` for the author of the file."""
    return "file" if signal.carrier in IN_FILES else url_host(signal.url)


def _is_licensable(signal: Signal) -> bool:
    return signal.vocabulary in vocabularies_with("LICENSABLE")


def _statements(signal: Signal, policy: Policy, asked: Scope) -> list[_Statement]:
    """Return a signal's statements about training that count under the policy."""
    if policy.names is not None and signal.name not in policy.names:
        return []
    if signal.conformance not in policy.conformance:
        return []
    reach = _reach(signal, policy, asked)
    if reach == "nothing":
        return []
    refuses_only = signal.conformance != "ok" or reach == "refusals"
    uses: tuple[Use, ...] = (*TRAINING_USES, "tdm") if policy.tdm else TRAINING_USES
    meanings = [(use, signal.meaning(use)) for use in uses]
    return [
        (signal, use, meaning)
        for use, meaning in meanings
        if meaning is not None and not (refuses_only and meaning == "allowed")
    ]


def _reach(signal: Signal, policy: Policy, asked: Scope) -> _Reach:
    """Return how much of a page-level mark, or of a rule for the page's path, counts for an image.

    All other signals count in full.
    """
    if signal.scope != "page" or asked == "page":
        return "all"
    if signal.rule is None and signal.vocabulary in vocabularies_with("COVERS_IMAGES"):
        return "all"
    return "refusals" if policy.page_marks and not signal.third_party else "nothing"


def _operator_statements(
    signals: Iterable[Signal], agent: str | None, policy: Policy, asked: Scope
) -> list[_Statement]:
    """Return the statements of directives to which the agent's operator gives a meaning.

    Of several well formed directives the first in the operator's order counts; a malformed
    one may add a refusal, but never makes the decision less strict.
    """
    meanings = _OPERATOR_MEANINGS.get(agent_token(agent) if agent else "", {})
    if not meanings or policy.names is not None:
        return []
    counted = [s for s in signals if s.conformance in policy.conformance]
    reaching = [s for s in counted if _reach(s, policy, asked) != "nothing"]
    proper = [s for s in reaching if s.conformance == "ok"]
    strictest_first = sorted(meanings.items(), key=lambda item: DECISIONS.index(item[1]))
    for among, order in ((proper, list(meanings.items())), (reaching, strictest_first)):
        for name, decision in order:
            named = [s for s in among if s.name.startswith(name)]
            if named:
                return [(s, use, decision) for s in named for use in TRAINING_USES]
    return []
