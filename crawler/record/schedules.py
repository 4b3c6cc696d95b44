"""Adds schedules to the database, claims the visits that are due, and says when the next are."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict

from psycopg import Connection

from crawler.schedule.nights import night
from crawler.schedule.rates import Changes
from crawler.schedule.rules import MOST, Rule
from registry.db import schedules, visits
from registry.db.connect import connect
from registry.db.hosts import delayed_hosts, refusals_of
from registry.db.known_rows import Extent
from registry.db.schedules import Schedule, Terms
from registry.db.visits import Claim, Span, State
from registry.urls.key import hostname_of

# A visit waits for a shorter pause of its host; a longer one delays the visit.
SHORT_PAUSE = timedelta(minutes=1)
# Time after which a host is looked up again on the list of those that are never visited.
REFUSED_FOR = timedelta(days=1)
What = Literal["added", "changed", "unchanged"]


class PlanRow(TypedDict):
    """A plan as the database names it."""

    spider: str
    start_url: str
    host: str


@dataclass(frozen=True, slots=True)
class DueVisit:
    """A visit that is due, claimed for one worker. `options` are those of its schedule.

    `extent` is what it asks for.
    """

    claim: Claim
    spider: str
    start_url: str
    host: str
    options: Mapping[str, Any]
    extent: Extent = "full"

    @property
    def plan(self) -> PlanRow:
        """Return the plan as the database names it."""
        return {"spider": self.spider, "start_url": self.start_url, "host": self.host}


def rule_of(terms: Terms) -> Rule:
    """Return the rule in the terms of a schedule. Raises UsageError for terms that are none."""
    hours = night(terms.night, terms.timezone) if terms.night else None
    return Rule(
        terms.every,
        terms.cron,
        terms.least,
        terms.most,
        hours,
        terms.timezone,
        terms.site_files,
    )


def changes_of(schedule: Schedule) -> Changes:
    """Return how often the site was visited, and how often a visit found a change."""
    return Changes(schedule.visits, schedule.changed, schedule.days)


def longest_unasked(conn: Connection, plan: PlanRow) -> timedelta:
    """Return the longest time in which a page of a plan is not asked for."""
    found = schedules.schedules_of(conn, [(plan["spider"], plan["start_url"])])
    return (found[0].terms.most if found else None) or MOST


def add_all(wanted: Sequence[Terms]) -> list[tuple[What, Schedule]]:
    """Add schedules, or change those of the same spider and start URL; all or none of them.

    Returns them in the order of `wanted`. The first visit of a new site is due at once, or
    in its night, or at the first time of its cron expression; the terms of a changed schedule
    count from its last visit. Raises the errors of `connect`.
    """
    plans = [(terms.spider, terms.start_url) for terms in wanted]
    with connect() as conn, conn.transaction():
        schedules.lock(conn)
        before = _by_plan(conn, plans)
        now = schedules.now(conn)
        new = [terms for terms in wanted if _plan(terms) not in before]
        schedules.add(conn, [(terms, rule_of(terms).first(now)) for terms in new])
        changed = [
            (before[_plan(terms)].id, terms, _due_again(before[_plan(terms)], terms, now))
            for terms in wanted
            if _plan(terms) in before and before[_plan(terms)].terms != terms
        ]
        schedules.change(conn, changed)
        after = _by_plan(conn, plans)
    return [(_what(before, terms), after[_plan(terms)]) for terms in wanted]


def claim_due(conn: Connection, worker: str, limit: int) -> list[DueVisit]:
    """Claim at most `limit` visits that are due: urgent ones first, then the longest due.

    A visit whose night is over is due at the next one; one of a host that asked for a pause
    after it, and one of a host that is never visited a day later: the list may change.
    """
    claimed: list[DueVisit] = []
    now = schedules.now(conn)
    for urgent in (True, False):
        while len(claimed) < limit:
            with conn.transaction():
                visits.limit_idle(conn)
                due = schedules.due(conn, urgent=urgent, limit=limit - len(claimed))
                # Two workers that find the same hosts wait for each other, in one order only.
                in_order = sorted(due, key=lambda schedule: schedule.terms.host)
                closed = _closed_hosts(conn, in_order, now)
                made = {
                    schedule.id: _claimed(conn, schedule, worker, now, closed)
                    for schedule in in_order
                }
            if not due:
                break
            claimed += [visit for schedule in due if (visit := made[schedule.id])]
    return claimed


def _closed_hosts(conn: Connection, due: Sequence[Schedule], now: datetime) -> dict[str, datetime]:
    """Return the hosts that may not be visited now, each with the time of the next try."""
    names = {schedule.terms.host: hostname_of(schedule.terms.start_url) for schedule in due}
    refused = refusals_of(conn, names.values())
    delayed = delayed_hosts(conn, names.values())
    closed: dict[str, datetime] = {}
    for host, name in names.items():
        if name in refused:
            closed[host] = now + REFUSED_FOR
        elif delayed.get(name, now) > now + SHORT_PAUSE:
            closed[host] = delayed[name]
    return closed


def _claimed(
    conn: Connection,
    schedule: Schedule,
    worker: str,
    now: datetime,
    closed: Mapping[str, datetime],
) -> DueVisit | None:
    terms = schedule.terms
    if terms.host in closed:
        schedules.delay(conn, schedule.id, closed[terms.host])
        return None
    hours = rule_of(terms).night
    opens = hours.opens(now) if hours and not schedule.is_urgent else now
    if opens > now:
        schedules.delay(conn, schedule.id, opens)
        return None
    plan = PlanRow(spider=terms.spider, start_url=terms.start_url, host=terms.host)
    extent = schedule.extent if schedule.pages_due_at <= now else "site-files"
    claim = visits.claim(conn, **plan, extent=extent, worker=worker)
    return DueVisit(claim, **plan, options=terms.options, extent=extent) if claim else None


@dataclass(frozen=True, slots=True)
class Found:
    """What a visit found: whether something changed in the `gap` since the visit to pages before.

    `carriers` are those of the marks that changed.
    """

    gap: timedelta
    changed: bool
    carriers: frozenset[str] = frozenset()

    @property
    def more(self) -> Extent | None:
        """Return what to ask for at once, because a visit to a part of the pages found this.

        A host may leave a mark out of the headers of a 304.
        """
        if not self.carriers:
            return None
        return "fresh" if "headers" in self.carriers else "full"


def settle(
    conn: Connection,
    plan: PlanRow,
    extent: Extent,
    state: State,
    span: Span,
    found: Found | None = None,
    tries: int = 0,
) -> None:
    """Say when the next visit is due, after one that ended; `found` adds to the estimate.

    `tries` is the number of suspect visits in a row.

    It stays due after an interrupted one, and if it was asked for during the visit.
    """
    schedule = schedules.locked(conn, spider=plan["spider"], start_url=plan["start_url"])
    if schedule is None or state == "interrupted":
        return
    if found is not None and extent != "site-files":
        changes = changes_of(schedule).with_visit(found.gap, changed=found.changed)
        schedules.estimate(conn, schedule.id, changes.visits, changes.changed, changes.days)
        schedule = replace(schedule, **asdict(changes))
    if schedule.is_urgent and schedule.next_due_at > span.started_at:
        return
    pages_due_at, next_extent = _pages_due(schedule, extent, state, span, found, tries)
    next_due_at = pages_due_at
    if state != "failed":
        rule = rule_of(schedule.terms)
        next_due_at = rule.site_files_after(span.finished_at, pages_due_at, random.random())
    schedules.settle(
        conn, schedule.id, next_due_at=next_due_at, pages_due_at=pages_due_at, extent=next_extent
    )


def _pages_due(
    schedule: Schedule,
    extent: Extent,
    state: State,
    span: Span,
    found: Found | None,
    tries: int,
) -> tuple[datetime, Extent]:
    """Return when a visit to pages is due, and to which, after a visit that ended."""
    more = found.more if found else None
    rule = rule_of(schedule.terms)
    if state == "suspect":
        changes = changes_of(schedule)
        return rule.after_failure(span.finished_at, changes, random.random(), tries), "fresh"
    if extent == "site-files":
        # Whoever changes the rules of a site may have changed its pages.
        due = span.finished_at if more else schedule.pages_due_at
        return min(due, schedule.pages_due_at), schedule.extent
    if more and (extent == "due" or (extent == "full" and more == "fresh")):
        return span.finished_at, more
    after = rule.after_failure if state == "failed" else rule.after
    due = after(span.finished_at, changes_of(schedule), random.random())
    if state == "failed":
        return due, schedule.extent
    return due, "full" if schedule.terms.options.get("every_page") else "due"


def _plan(terms: Terms) -> tuple[str, str]:
    return terms.spider, terms.start_url


def _by_plan(conn: Connection, plans: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Schedule]:
    return {_plan(found.terms): found for found in schedules.schedules_of(conn, plans)}


def _what(before: Mapping[tuple[str, str], Schedule], terms: Terms) -> What:
    known = before.get(_plan(terms))
    if known is None:
        return "added"
    return "unchanged" if known.terms == terms else "changed"


def _due_again(schedule: Schedule, terms: Terms, now: datetime) -> datetime:
    """Return when a changed schedule is due: after its last visit, but not in the past."""
    rule, last = rule_of(terms), schedule.last_visit
    if schedule.is_urgent or last is None or last.finished_at is None:
        return schedule.next_due_at if schedule.is_urgent else rule.first(now)
    return max(rule.after(last.finished_at, changes_of(schedule), 0.5), now)
