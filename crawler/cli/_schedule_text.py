"""Schedules for people and as JSON."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from registry.cli._table import table
from registry.text import number_of
from registry.urls.key import hostname_of

if TYPE_CHECKING:
    from registry.db.schedules import Schedule, VisitMade

_TERMS = ("spider", "start_url", "host", "cron", "night", "timezone", "options")


def schedule_json(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as JSON: times in ISO 8601, durations in seconds."""
    from crawler.record.schedules import changes_of, rule_of

    terms, changes = schedule.terms, changes_of(schedule)
    rule = rule_of(terms)
    return {
        "id": schedule.id,
        **{name: getattr(terms, name) for name in _TERMS},
        "every_seconds": _seconds(terms.every),
        "least_seconds": _seconds(terms.least),
        "most_seconds": _seconds(terms.most),
        "interval_seconds": _seconds(rule.interval(changes)),
        "site_files_seconds": _seconds(terms.site_files),
        "changes_per_day": round(changes.rate, 6) if changes.is_known else None,
        "added_at": _iso(schedule.added_at),
        "next_due_at": _iso(schedule.next_due_at),
        "pages_due_at": _iso(schedule.pages_due_at),
        "next_extent": schedule.next_extent,
        "is_urgent": schedule.is_urgent,
        "paused_at": _iso(schedule.paused_at),
        "last_visit": visit_json(schedule.last_visit) if schedule.last_visit else None,
    }


def visit_json(visit: VisitMade) -> dict[str, Any]:
    """Return a visit as JSON."""
    times = {"started_at": _iso(visit.started_at), "finished_at": _iso(visit.finished_at)}
    return asdict(visit) | times


def listed(schedules: Sequence[Schedule], now: datetime, refused: Collection[str] = ()) -> str:
    """Return a table of schedules; `refused` are host names that are never visited."""
    rows = [
        {
            "id": str(schedule.id),
            "next due (UTC)": next_due(schedule, now, refused),
            "how often": how_often(schedule),
            "last visit (UTC)": _last(schedule.last_visit),
            "site": schedule.terms.start_url,
        }
        for schedule in schedules
    ]
    return table(number_of(len(rows), "schedule"), rows, most=len(rows))


def shown(
    schedule: Schedule, visits: Sequence[VisitMade], now: datetime, refused: Collection[str] = ()
) -> str:
    """Return all that is known of one schedule, and its newest visits; `refused` as in `listed`."""
    from crawler.record.schedules import changes_of

    terms, changes = schedule.terms, changes_of(schedule)
    options = ", ".join(f"{name.replace('_', '-')} {n}" for name, n in terms.options.items())
    facts = {
        "site": terms.start_url,
        "spider": terms.spider,
        "how often": how_often(schedule),
        "next due": next_due(schedule, now, refused),
        "site files": _minute(schedule.next_due_at),
        "options": options or "the defaults",
        "changes": f"about {changes.rate:.3g} a day" if changes.is_known else "not known yet",
        "added": _minute(schedule.added_at),
    }
    lines = [f"schedule {schedule.id}", *(f"  {name:<10} {text}" for name, text in facts.items())]
    rows = [
        {
            "visit": str(visit.id),
            "began (UTC)": _minute(visit.started_at),
            "asked for": visit.extent,
            "state": visit.state,
            "pages": (visit.counts or {}).get("pages", 0),
            "images": (visit.counts or {}).get("images", 0),
        }
        for visit in visits
    ]
    return "\n".join(lines + (table("", rows).split("\n")[1:] if rows else ["  no visit yet"]))


def how_often(schedule: Schedule) -> str:
    """Return the rule of a schedule in words."""
    from crawler.record.schedules import changes_of, rule_of
    from crawler.schedule.durations import spelled

    terms = schedule.terms
    zone = "" if terms.timezone == "UTC" else f" {terms.timezone}"
    if terms.cron:
        return f"at {terms.cron}{zone or ' UTC'}"
    length = rule_of(terms).interval(changes_of(schedule))
    text = f"every {spelled(length)}" if length else ""
    if terms.least is not None and terms.most is not None:
        text += f" ({spelled(terms.least)} to {spelled(terms.most)})"
    return text + (f", at {terms.night}{zone or ' UTC'}" if terms.night else "")


def is_visiting(schedule: Schedule) -> bool:
    """Return whether the last visit of a schedule is in progress."""
    last = schedule.last_visit
    return last is not None and last.state in ("claimed", "running")


def next_due(schedule: Schedule, now: datetime, refused: Collection[str] = ()) -> str:
    """Return when its pages are due: a time in UTC or `now`; or what it is in the meantime."""
    if is_visiting(schedule):
        return "visiting"
    if hostname_of(schedule.terms.start_url) in refused:
        return "refused"
    if schedule.paused_at:
        return "paused"
    # A host that asked for a pause, or its night, delays all visits.
    due_at = max(schedule.pages_due_at, schedule.next_due_at)
    return "now" if due_at <= now else _minute(due_at)


def _last(visit: VisitMade | None) -> str:
    if visit is None:
        return "never"
    state = "" if visit.state == "finished" else f" {visit.state}"
    return _minute(visit.started_at) + state


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()
