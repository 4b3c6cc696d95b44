"""The answer of a lookup, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from registry.model import DECISIONS, Decision, MatchedBy, Outcome, Tier, Verdict
from registry.verdict.licensing import terms_of

if TYPE_CHECKING:
    from datetime import datetime

    from registry.snapshot.format import PastMark


Kind = Literal["picture", "url", "phash64", "256 bits", "md5"]


@dataclass(frozen=True, slots=True)
class EntryMatch:
    """One entry or site rule that a target matches.

    `distance` is the number of differing bits of phash64, or None. `past` holds removed
    marks, which do not affect the verdict. `on_page`: the target is the URL of the page.
    `other_size`: that of another size of the picture. `site` is the host of a site rule;
    `in_question`: it is a claim on a wider host, which may not cover the target.
    """

    entry: str
    by: MatchedBy
    tier: Tier | None
    distance: int | None
    verdict: Verdict
    url: str | None
    page_url: str | None
    source: str
    since: datetime | None
    seen: datetime | None
    past: tuple[PastMark, ...] = ()
    on_page: bool = False
    other_size: bool = False
    site: str | None = None
    in_question: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as `lookup --json` prints it."""
        terms = terms_of(self.verdict)
        return {
            "entry": self.entry,
            "matched_by": self.by,
            "tier": self.tier,
            "distance": self.distance,
            "decision": self.verdict.decision,
            "signals": [
                {"name": s.name, "raw": s.raw, "url": s.url} for s in self.verdict.deciding
            ],
            "licence_url": self.verdict.licence_url,
            "licensor": terms.licensor,
            "contact": terms.contact,
            "creator": terms.creator,
            "credit": terms.credit,
            "url": self.url,
            "page_url": self.page_url,
            "source": self.source,
            "since": self.since.isoformat() if self.since else None,
            "seen": self.seen.isoformat() if self.seen else None,
            "on_page": self.on_page,
            "other_size": self.other_size,
            "site": self.site,
            "in_question": self.in_question,
            "past": [_past_json(mark) for mark in self.past],
        }


def _past_json(mark: PastMark) -> dict[str, str]:
    times = {"since": mark.since.isoformat(), "until": mark.until.isoformat()}
    return {"name": mark.name, "raw": mark.raw, "url": mark.url, **times}


@dataclass(frozen=True, slots=True)
class Answer:
    """The matches of one target, strictest first; `decision` is the strictest decision.

    `unfit` is the reason why no fingerprint of it was compared, or None. `page` is the
    outcome of a check for a row that names only this page; None if the target is not a
    recorded page. `crowded`: more recorded pictures are similar than were compared. `withdrawn` is
    the number of all withdrawn claims of the registry, which are not in the snapshot.
    """

    target: str
    kind: Kind
    found: tuple[EntryMatch, ...]
    unfit: str | None = None
    page: Outcome | None = None
    crowded: bool = False
    withdrawn: int = 0

    @property
    def decision(self) -> Decision:
        """The strictest decision of all matches."""
        return min(
            (f.verdict.decision for f in self.found), key=DECISIONS.index, default="unspecified"
        )
