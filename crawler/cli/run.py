"""`crawler run`: visit sites now."""

from __future__ import annotations

from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from crawler.cli._options import (
    Duration,
    options_from,
    visit_options,
    warc_folder,
    warc_option,
)
from registry.terminal import say, show, show_json

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.options import Options
    from crawler.plan import Plan
    from crawler.report.summary import Ended


@click.command("run")
@click.argument("targets", metavar="SPIDER|URL...", nargs=-1, required=True)
@visit_options
@click.option(
    "--if-older-than",
    "older_than",
    type=Duration(),
    help="Skip sites that were visited within this time: 30m, 12h, 7d.",
)
@click.option(
    "--fresh", is_flag=True, help="Ask for everything again, also for what did not change."
)
@warc_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--verbose", is_flag=True, help="Show Scrapy's whole log.")
def command(
    targets: tuple[str, ...],
    older_than: timedelta | None,
    as_json: bool,
    verbose: bool,
    warc: Path | None,
    **options: Any,
) -> int:
    """Visit sites, and record their images and marks in the database.

    From a URL the crawler follows links within the URL's host. robots.txt is always
    obeyed. CRAWLER_CONTACT (a web page, or mailto:YOU@HOST) is sent in the user
    agent, so that a site's owner can contact you; without it, only this machine
    can be visited.

    \b
    Exit codes: 0 done; 1 no image found; 2 wrong usage; 3 the database is unavailable, or
    the site is being visited; 4 a start URL could not be read (but 1 if robots.txt forbids
    it), its host is never visited (`crawler refuse`), or WARC files cannot be written;
    130 interrupted.

    \b
    Example:
        CRAWLER_CONTACT=mailto:me@example.org crawler run https://gallery.example/
    """
    from crawler.plan import plan, refuse_mixture
    from crawler.report.visible_log import log_to_stderr

    crawl_options = options_from(options, verbose=verbose)
    due = _due([plan(target) for target in targets], older_than)
    if not due:
        return 0
    if not crawl_options.private:
        refuse_mixture(due)
    log_to_stderr(verbose=crawl_options.verbose)
    _raise_refused(due)
    return _visit_all(due, crawl_options, as_json=as_json, warc=warc_folder(warc))


def _visit_all(
    plans: list[Plan], crawl_options: Options, *, as_json: bool, warc: Path | None
) -> int:
    """Make the visits one after the other, show their results, and return the exit code."""
    from crawler.plan import contact_for
    from crawler.report import summary
    from crawler.report.progress import VisitProgress
    from crawler.visit.run import visit
    from crawler.warc.writer import WarcWriter

    progress = VisitProgress()
    ended: list[Ended] = []
    for plan in plans:
        contact_for(plan, crawl_options)  # raises before the first visit, not between two
    with closing(WarcWriter(warc)) if warc else nullcontext() as archive:
        for plan in plans:
            report, say = progress.show, progress.say
            ended.append(visit(plan, crawl_options, report=report, say=say, archive=archive))
            if ended[-1].signal:
                break
    if as_json:
        show_json(summary.as_json(ended), indent=2)
    else:
        for result in ended:
            show(*summary.as_text(result).split("\n"))
    for failure in summary.failures(ended):
        progress.say(f"error: {failure}")
    signal = ended[-1].signal
    return 128 + signal if signal else summary.exit_code(ended)


def _raise_refused(plans: list[Plan]) -> None:
    """Raise HostRefused before the first of several visits, not between two."""
    from crawler.record.refused import raise_refused
    from registry.db.connect import connect
    from registry.urls.key import hostname_of

    if len(plans) > 1:
        with connect() as conn:
            raise_refused(conn, [hostname_of(plan.start_url) for plan in plans])


def _due(plans: list[Plan], older_than: timedelta | None) -> list[Plan]:
    from crawler.visit.run import is_due

    if older_than is None:
        return plans
    now = datetime.now(UTC)
    due = [plan for plan in plans if is_due(plan, older_than, now)]
    for plan in plans:
        if plan not in due:
            say(f"{plan.start_url} skipped: visited within --if-older-than")
    return due
