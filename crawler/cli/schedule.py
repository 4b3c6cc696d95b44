"""`crawler schedule`: say which sites are visited again, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli._options import Duration, visit_options
from registry.cli._path import NamedPath
from registry.errors import UsageError
from registry.terminal import say, show, show_json

if TYPE_CHECKING:
    import psycopg

    from registry.db.hosts import RefusedHost
    from registry.db.schedules import Action, Schedule

# More added schedules than this are only counted.
SHOWN = 20
VISITS = 10
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_TARGETS = click.argument("targets", metavar="ID|URL|HOST|SPIDER...", nargs=-1, required=True)


@click.group("schedule")
def command() -> None:
    """Say which sites are visited again, and how often."""


@command.command("add")
@click.argument("targets", metavar="SPIDER|URL...", nargs=-1)
@click.option("--from", "file", type=NamedPath(), help="A CSV file of sites.")
@click.option("--every", type=Duration(), help="Time between two visits: 12h, 7d.")
@click.option("--cron", help="Times as five cron fields, such as '0 3 * * 1'.")
@click.option("--least", type=Duration(), help="Shortest time between two visits.")
@click.option("--most", type=Duration(), help="Longest time between two visits.")
@click.option("--night", metavar="22-06", help="Begin visits only within these hours of a day.")
@click.option(
    "--timezone", default="UTC", show_default=True, help="Time zone of --cron and --night."
)
@click.option(
    "--site-files",
    type=Duration(),
    help="Time between two requests for robots.txt and the like.  [default: half of the pages', "
    "at most 1d]",
)
@click.option(
    "--every-page", is_flag=True, help="Ask for every page at each visit, not for the due ones."
)
@click.option("--spider", help="Spider for the URLs.  [default: the one for their host]")
@visit_options
@_JSON
@click.pass_context
def add(
    ctx: click.Context,
    /,
    targets: tuple[str, ...],
    file: Path | None,
    as_json: bool,
    **values: Any,
) -> None:
    """Schedule visits of sites; a site that is scheduled already gets the new options.

    Without --every and --cron, the time between two visits follows the site: from 7 days
    on, between 1 day and 90. --least and --most set other limits, --every with one of them
    another start. `--every 7d` alone stays at 7 days, give or take 5 %, so that sites are not all
    due at once. The first visit is due at once, with --night in its hours, with --cron at its
    first time.
    A site whose host is refused (`crawler refuse`) is added with a warning.

    The CSV file has a column url, and any of these options as columns: every, cron, least,
    most, night, timezone, spider, max_pages and so on. Either all of its sites are added or
    none.

    \b
    Example:
        crawler schedule add https://gallery.example/ --every 7d --night 22-06
    """
    from crawler.cli._schedule_terms import terms_in, terms_of
    from crawler.cli._schedule_text import how_often, schedule_json
    from crawler.record.schedules import add_all

    wanted = {}
    for terms in [terms_of(target, values) for target in targets]:
        wanted[terms.spider, terms.start_url] = terms
    if file is not None:
        wanted |= {(terms.spider, terms.start_url): terms for terms in terms_in(file, values, ctx)}
    if not wanted:
        raise UsageError("no site", "crawler schedule add URL, or --from FILE")
    results = add_all(list(wanted.values()))
    _warn_of_refused([schedule for _, schedule in results])
    counts = Counter[str](what for what, _ in results)
    if as_json:
        listed = [{"result": what} | schedule_json(schedule) for what, schedule in results]
        show_json({"counts": dict(counts), "schedules": listed}, indent=2)
        return
    for what, schedule in results[:SHOWN]:
        show(f"{what:<9} {schedule.id} {schedule.terms.start_url} {how_often(schedule)}")
    if len(results) > SHOWN:
        show(", ".join(f"{n:,} {what}" for what, n in sorted(counts.items())))


def _warn_of_refused(schedules: Sequence[Schedule]) -> None:
    """Say which of these sites are not visited, since their hosts are refused."""
    from registry.db.connect import connect

    with connect() as conn:
        refused = _refused(conn, schedules)
    for hostname, one in list(refused.items())[:SHOWN]:
        say(f"warning: {hostname} is not visited while {one.name} is refused: {one.reason}")
    if len(refused) > SHOWN:
        say(f"warning: {len(refused):,} hosts of these sites are refused (crawler refuse list)")


@command.command("list")
@click.argument("targets", metavar="[ID|URL|HOST|SPIDER]...", nargs=-1)
@click.option("--due", is_flag=True, help="Only those that are due now.")
@click.option("--paused", is_flag=True, help="Only those that are paused.")
@_JSON
def list_command(targets: tuple[str, ...], due: bool, paused: bool, as_json: bool) -> int:
    """List schedules, with their last and their next visits.

    Exit codes: 0 schedules are listed; 1 there are none.

    \b
    Example:
        crawler schedule list --due
    """
    from crawler.cli._schedule_text import listed, schedule_json
    from registry.db import schedules
    from registry.db.connect import connect
    from registry.db.visits import mark_killed

    with connect() as conn:
        mark_killed(conn)
        ids = schedule_ids(conn, targets) if targets else None
        found = schedules.list_schedules(conn, ids=ids, due=due, paused=paused)
        now, refused = schedules.now(conn), _refused(conn, found)
    if as_json:
        show_json({"schedules": [schedule_json(schedule) for schedule in found]}, indent=2)
    elif found:
        show(*listed(found, now, refused).split("\n"))
    else:
        say("no such schedules" if targets or due or paused else "nothing is scheduled")
    return 0 if found else 1


@command.command("show")
@_TARGETS
@_JSON
def show_command(targets: tuple[str, ...], as_json: bool) -> None:
    """Show schedules with their options, estimates and last visits."""
    from crawler.cli._schedule_text import schedule_json, shown, visit_json
    from registry.db import schedules
    from registry.db.connect import connect
    from registry.db.visits import mark_killed

    with connect() as conn:
        mark_killed(conn)
        found = schedules.list_schedules(conn, ids=schedule_ids(conn, targets))
        visits = {one.id: schedules.last_visits(conn, one.id, VISITS) for one in found}
        now, refused = schedules.now(conn), _refused(conn, found)
    if as_json:
        listed = [
            schedule_json(one) | {"visits": [visit_json(visit) for visit in visits[one.id]]}
            for one in found
        ]
        show_json({"schedules": listed}, indent=2)
        return
    for one in found:
        show(*shown(one, visits[one.id], now, refused).split("\n"))


@command.command("pause")
@_TARGETS
@_JSON
def pause(targets: tuple[str, ...], as_json: bool) -> None:
    """Make no more visits of these sites until `resume`."""
    _apply("pause", targets, "paused", "was paused already", as_json)


@command.command("resume")
@_TARGETS
@_JSON
def resume(targets: tuple[str, ...], as_json: bool) -> None:
    """Visit paused sites again."""
    _apply("resume", targets, "resumed", "was not paused", as_json)


@command.command("remove")
@_TARGETS
@click.option("--yes", is_flag=True, help="Needed if a name stands for more than one schedule.")
@_JSON
def remove(targets: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Remove schedules; what visits have recorded stays."""
    _apply("remove", targets, "removed", "was removed already", as_json, most=None if yes else 1)


@command.command("run-now")
@_TARGETS
@_JSON
def run_now(targets: tuple[str, ...], as_json: bool) -> int:
    """Let sites be due now, also outside of their night.

    Exit codes: 0 they are due; 1 one of them is paused.
    """
    return _apply("run_now", targets, "due now", "is paused: resume it first", as_json)


def _apply(
    action: Action,
    targets: tuple[str, ...],
    done: str,
    not_done: str,
    as_json: bool,
    most: int | None = None,
) -> int:
    """Apply an action to the schedules named, and show which it changed; 0 if it did all.

    Raises UsageError if a name stands for more than `most`, and changes nothing.
    """
    from registry.db import schedules
    from registry.db.connect import connect

    with connect() as conn, conn.transaction():
        found = schedules.list_schedules(conn, ids=schedule_ids(conn, targets, most))
        changed = set(schedules.apply(conn, action, [schedule.id for schedule in found]))
        notes = _notes(conn, action, found)
    if as_json:
        show_json({"results": [_result(one, one.id in changed, done) for one in found]}, indent=2)
    for schedule in found:
        outcome = done if schedule.id in changed else not_done
        note = f"; {notes[schedule.id]}" if schedule.id in notes else ""
        if not as_json:
            show(f"{schedule.id} {schedule.terms.start_url} {outcome}{note}")
    return 0 if len(changed) == len(found) else 1


def _notes(conn: psycopg.Connection, action: Action, found: Sequence[Schedule]) -> dict[int, str]:
    """Return what an action does not change, by the id of the schedule."""
    from crawler.cli._schedule_text import is_visiting
    from crawler.record.schedules import SHORT_PAUSE
    from registry.db.hosts import delayed_hosts
    from registry.db.schedules import now
    from registry.urls.key import hostname_of

    if action in ("pause", "remove"):
        visiting = filter(is_visiting, found)
        return {schedule.id: "its visit in progress goes on" for schedule in visiting}
    if action != "run_now":
        return {}
    soon = now(conn) + SHORT_PAUSE
    hosts = {schedule.id: hostname_of(schedule.terms.start_url) for schedule in found}
    delayed, refused = delayed_hosts(conn, hosts.values()), _refused(conn, found)
    notes = {
        number: f"but {host} is not visited while {refused[host].name} is refused"
        for number, host in hosts.items()
        if host in refused
    }
    return notes | {
        number: f"its host asked for a pause until {delayed[host]:%Y-%m-%d %H:%M} UTC"
        for number, host in hosts.items()
        if host in delayed and delayed[host] > soon and host not in refused
    }


def _refused(conn: psycopg.Connection, found: Sequence[Schedule]) -> dict[str, RefusedHost]:
    """Return the host names of schedules that are never visited."""
    from registry.db.hosts import refusals_of
    from registry.urls.key import hostname_of

    return refusals_of(conn, {hostname_of(one.terms.start_url) for one in found})


def _result(schedule: Schedule, is_changed: bool, done: str) -> dict[str, Any]:
    result = done.replace(" ", "_") if is_changed else "unchanged"
    return {"id": schedule.id, "start_url": schedule.terms.start_url, "result": result}


def schedule_ids(
    conn: psycopg.Connection, targets: tuple[str, ...], most: int | None = None
) -> list[int]:
    """Return the ids of the schedules named.

    Raises UsageError for a name without any, and for one that stands for more than `most`.
    """
    from registry.db.schedules import named
    from registry.urls.absolute import absolute

    ids: set[int] = set()
    for target in targets:
        url = absolute(target, target) if "://" in target else None
        names = {target.lower()} if url is None else {url, f"{url}/"}
        found = [number for name in names for number in named(conn, name)]
        if not found:
            raise UsageError(f"no schedule of {target}", "crawler schedule list")
        if most is not None and len(found) > most:
            raise UsageError(f"{target} stands for {len(found):,} schedules", "add --yes to do it")
        ids |= set(found)
    return sorted(ids)
