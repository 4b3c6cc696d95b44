"""Policies: which signals count towards a verdict. Named and versioned, one row each. Pure.

`docs/discussions.md` has the contested ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from registry.errors import UsageError
from registry.model import Conformance


@dataclass(frozen=True, slots=True)
class Policy:
    """Which signals count.

    `names` None means all. `conformance` lists the grades that count; signals
    that are not `ok` count as refusals only. `refusals_of_trainers`: a refusal
    addressed to any training agent counts if no agent is given.
    `page_marks`: a refusal on a page, or for its path, counts for the images of its own
    site, even in a vocabulary whose marks do not cover them.
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
        "addressed to training agents by name. None of these ever permits.",
        conformance=frozenset({"ok", "legacy", "malformed", "unverified"}),
        refusals_of_trainers=True,
        page_marks=True,
        tdm=True,
    ),
    Policy(
        "letter",
        2,
        "What current documents define, literally: well formed marks for all agents or for the "
        "given agent; robots.txt counts for the URLs that its rules match.",
    ),
    Policy(
        "noai",
        1,
        "Only the artists' label: `noai` and `noimageai`, in headers or pages.",
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


def known_policies() -> tuple[str, ...]:
    """Return the names of all policies, the default first."""
    return tuple(policy.name for policy in POLICIES)


@lru_cache(maxsize=64)
def policy_named(name: str) -> Policy:
    """Return a policy by `name` or `name@version`; raise UsageError if there is none."""
    for policy in POLICIES:
        if name in {policy.name, str(policy)}:
            return policy
    raise UsageError(f"no policy {name!r}", f"known policies: {', '.join(map(str, POLICIES))}")
