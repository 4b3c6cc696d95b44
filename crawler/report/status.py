"""The state of scheduled sites, as values and as lines of text. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from crawler.options import Options
from registry.text import number_of, visible

if TYPE_CHECKING:
    from registry.db.status import SiteState, WorkerAlive

# What is wrong comes first.
What = Literal[
    "failed", "suspect", "visiting", "due", "interrupted", "waiting", "paused", "refused"
]
ORDER: tuple[What, ...] = (
    "failed",
    "suspect",
    "interrupted",
    "visiting",
    "due",
    "waiting",
    "paused",
    "refused",
)
_NOT_DUE = ("paused", "refused")
COUNTED = ("pages", "pictures", "marks")
# Reasons that are no errors: the visit left these out itself.
_LIMITS = frozenset({"limit", "interrupted"})
# Most reasons of refusals that one line shows.
_SHOWN = 2


@dataclass(frozen=True, slots=True)
class SiteLine:
    """One site. `what` is the word for its state, `refused` counts errors by kind.

    `used` is the largest used part of a limit of the last visit to pages, 0 to 1, and `limit`
    its name. `known` are the numbers of pages, pictures and marks, `trend` their changes in the
    time of the trend.
    """

    id: int
    site: str
    host: str
    what: What
    last_visit: int | None
    last_at: datetime | None
    next_due_at: datetime | None
    behind_seconds: float
    known: Mapping[str, int]
    trend: Mapping[str, int]
    refused: Mapping[str, int]
    used: float
    limit: str | None
    suspicions: Mapping[str, str]
    worker: str | None


def site_line(site: SiteState, now: datetime, refused: Collection[str] = ()) -> SiteLine:
    """Return what is said of one site; `refused` are hosts that are never visited."""
    what = _what(site, now, site.host in refused)
    known = site.totals or {}
    before = site.totals_before or known
    limit, used = _used(site)
    # A host that asked for a pause, or its night, delays all visits.
    due_at = max(site.pages_due_at, site.next_due_at)
    late = (now - site.next_due_at).total_seconds()
    return SiteLine(
        id=site.id,
        site=site.start_url,
        host=site.host,
        what=what,
        last_visit=site.visit_id,
        last_at=site.started_at,
        next_due_at=None if what in _NOT_DUE else due_at,
        behind_seconds=max(late, 0.0) if what not in (*_NOT_DUE, "visiting") else 0.0,
        known={name: known.get(name, 0) for name in COUNTED},
        trend={name: known.get(name, 0) - before.get(name, 0) for name in COUNTED},
        refused=_refused(site.counts or {}),
        used=used,
        limit=limit,
        suspicions=site.suspicions or {},
        worker=site.worker if what == "visiting" else None,
    )


def _what(site: SiteState, now: datetime, is_refused: bool) -> What:
    if site.state in ("claimed", "running"):
        return "visiting"
    if is_refused:
        return "refused"
    if site.paused_at is not None:
        return "paused"
    if site.state in ("failed", "suspect"):
        return "failed" if site.state == "failed" else "suspect"
    if site.next_due_at <= now:
        return "due"
    return "interrupted" if site.state in ("interrupted", "killed", "given_back") else "waiting"


def _refused(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the errors of a visit by kind, the most frequent first."""
    found: Counter[str] = Counter()
    for name, number in counts.items():
        group, _, word = name.partition(".")
        if group in ("refused", "pages_refused") and word not in _LIMITS:
            found[word] += number
    if counts.get("errors"):
        found["crawler-error"] += counts["errors"]
    return dict(found.most_common())


def _used(site: SiteState) -> tuple[str | None, float]:
    """Return the limit that the last visit to pages used most of, and the used part."""
    if site.counts is None:
        return None, 0.0
    limits = Options.of(site.options).limits
    # A visit that reached a limit may have stopped short of the number.
    shares = {
        "max-pages": site.counts.get("pages", 0) / limits.pages if limits.pages else 0.0,
        "max-images": site.counts.get("images", 0) / limits.images if limits.images else 0.0,
        "max-seconds": (site.seconds or 0.0) / limits.seconds if limits.seconds else 0.0,
    }
    limit = max(shares, key=lambda name: shares[name])
    return limit, min(shares[limit], 1.0)


def in_order(lines: Sequence[SiteLine]) -> list[SiteLine]:
    """Return sites, those first that need a look, then those that are due first."""
    return sorted(
        lines,
        key=lambda one: (
            ORDER.index(one.what),
            one.next_due_at.timestamp() if one.next_due_at else 0.0,
            one.id,
        ),
    )


def rows(lines: Sequence[SiteLine], now: datetime) -> list[dict[str, Any]]:
    """Return a table row for each site."""
    return [
        {
            "site": one.site,
            "state": one.what,
            "last visit (UTC)": _minute(one.last_at, "never"),
            "next due (UTC)": _due(one, now),
            **{name: _with_trend(one.known[name], one.trend[name]) for name in COUNTED},
            "budget": f"{one.used:.0%} of {one.limit}" if one.limit else "",
            "errors": _errors(one.refused),
        }
        for one in lines
    ]


def summary(
    lines: Sequence[SiteLine],
    workers: Sequence[WorkerAlive],
    events: Mapping[str, int],
    now: datetime,
) -> list[str]:
    """Return the totals of all sites, as lines."""
    states = Counter(one.what for one in lines)
    parts = ", ".join(f"{states[what]:,} {what}" for what in ORDER if states[what])
    late = behind(lines)
    text = [number_of(len(lines), "site") + (f": {parts}" if parts else "")]
    known = {name: sum(one.known[name] for one in lines) for name in COUNTED}
    text.append("known    " + ", ".join(f"{number:,} {name}" for name, number in known.items()))
    text.append(f"behind   {_span(late)}" if late else "behind   nothing is overdue")
    alive = ", ".join(
        f"{one.name} ({one.visits} of {one.concurrency} visits, "
        f"{_span((now - one.seen_at).total_seconds())} ago)"
        for one in workers
    )
    text.append(f"workers  {alive or 'none'}")
    told = ", ".join(f"{number:,} {kind}" for kind, number in events.items())
    text.append(f"7 days   {told or 'no events'}")
    return text


def behind(lines: Sequence[SiteLine]) -> float:
    """Return for how many seconds the site that waits longest has been due."""
    return max((one.behind_seconds for one in lines), default=0.0)


def as_json(
    lines: Sequence[SiteLine],
    workers: Sequence[WorkerAlive],
    events: Mapping[str, int],
) -> dict[str, Any]:
    """Return all of it as JSON: times in ISO 8601."""
    states = Counter(one.what for one in lines)
    return {
        "totals": {
            "sites": len(lines),
            "states": {what: states[what] for what in ORDER},
            **{name: sum(one.known[name] for one in lines) for name in COUNTED},
            "behind_seconds": round(behind(lines), 3),
            "events": dict(events),
        },
        "workers": [_worker_json(one) for one in workers],
        "sites": [_json(one) for one in lines],
    }


def _json(one: SiteLine) -> dict[str, Any]:
    fields = asdict(one)
    for name in ("last_at", "next_due_at"):
        fields[name] = fields[name].isoformat() if fields[name] else None
    return fields | {"state": fields.pop("what")}


def _worker_json(one: WorkerAlive) -> dict[str, Any]:
    times = {"started_at": one.started_at.isoformat(), "seen_at": one.seen_at.isoformat()}
    return asdict(one) | times


def _with_trend(number: int, change: int) -> str:
    return f"{number:,} ({change:+,})" if change else f"{number:,}"


def _errors(refused: Mapping[str, int]) -> str:
    shown = [f"{visible(word)} {number:,}" for word, number in list(refused.items())[:_SHOWN]]
    others = len(refused) - len(shown)
    return ", ".join(shown) + (f", {others} more" if others > 0 else "")


def _due(one: SiteLine, now: datetime) -> str:
    if one.next_due_at is None or one.what == "visiting":
        return "-"
    return "now" if one.next_due_at <= now else _minute(one.next_due_at, "")


def _minute(moment: datetime | None, otherwise: str) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else otherwise


def _span(seconds: float) -> str:
    """Return a duration in one unit: 40 s, 12 min, 3 h, 2 d."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
