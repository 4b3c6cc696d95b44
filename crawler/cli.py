"""The `crawler` command. Scrapy loads when a command needs it, not for `--help`."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import click

from registry import __version__
from registry.cli import run as run_process
from registry.terminal import say, show, show_json

if TYPE_CHECKING:
    from crawler.plan import Options, Plan
    from crawler.report.summary import Ended


@click.group()
@click.version_option(__version__, prog_name="crawler")
def crawler() -> None:
    """Visit art sites politely, and record their images and marks."""


class Duration(click.ParamType[timedelta]):
    """A number and a unit: 30m, 12h, 7d."""

    name = "duration"
    units: ClassVar = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return a text such as `12h` as a timedelta. Fails with a usage error for any other."""
        number, unit = value[:-1], value[-1:]
        if not number.isascii() or not number.isdigit() or unit not in self.units:
            self.fail(f"{value!r} is not a duration such as 30m, 12h or 7d", param, ctx)
        try:
            return timedelta(**{self.units[unit]: int(number)})
        except OverflowError:
            self.fail(f"{value!r} is too long", param, ctx)


@crawler.command()
@click.argument("targets", metavar="SPIDER|URL...", nargs=-1, required=True)
@click.option(
    "--max-pages",
    default=500,
    show_default=True,
    type=click.IntRange(1),
    help="Most pages to read.",
)
@click.option(
    "--max-depth",
    default=10,
    show_default=True,
    type=click.IntRange(0),
    help="Most links to follow from the start page to a page.",
)
@click.option(
    "--max-images",
    default=5000,
    show_default=True,
    type=click.IntRange(0),
    help="Most images to fetch.",
)
@click.option(
    "--max-seconds",
    default=3600.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Most seconds that a visit may take.",
)
@click.option(
    "--max-bytes",
    default=50 * 1024 * 1024,
    show_default=True,
    type=click.IntRange(1),
    help="Most bytes of an image file; larger ones are refused.",
)
@click.option(
    "--delay",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Minimum seconds between two requests to the same host; slow hosts get more.",
)
@click.option(
    "--timeout",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0, 3600, min_open=True),
    help="Most seconds that one download may take.",
)
@click.option(
    "--if-older-than",
    "older_than",
    type=Duration(),
    help="Skip sites that were visited within this time: 30m, 12h, 7d.",
)
@click.option(
    "--private",
    is_flag=True,
    help="Allow start URLs whose host resolves to a private address.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--verbose", is_flag=True, help="Show Scrapy's whole log.")
def run(targets: tuple[str, ...], delay: float, timeout: float, **options: Any) -> int:
    """Visit sites, and record their images and marks in the database.

    From a URL the crawler follows links within the URL's host. robots.txt is always
    obeyed. CRAWLER_CONTACT (a web page, or mailto:YOU@HOST) is sent in the user
    agent, so that a site's owner can contact you; without it, only this machine
    can be visited.

    \b
    Exit codes: 0 done; 1 no image found; 2 wrong usage; 3 the database is unavailable;
    4 a start URL could not be read; 130 interrupted.

    \b
    Example:
        CRAWLER_CONTACT=mailto:me@example.org crawler run https://gallery.example/
    """
    from crawler.plan import Options, plan, refuse_mixture
    from crawler.report.visible_log import log_to_stderr
    from crawler.visit.frontier import VisitLimits

    limits = VisitLimits(
        pages=options["max_pages"],
        depth=options["max_depth"],
        images=options["max_images"],
        seconds=options["max_seconds"],
        bytes=options["max_bytes"],
    )
    contact = os.environ.get("CRAWLER_CONTACT")
    crawl_options = Options(limits, delay, timeout, contact, options["verbose"], options["private"])
    due = _due([plan(target) for target in targets], options["older_than"])
    if not due:
        return 0
    if not crawl_options.private:
        refuse_mixture(due)
    log_to_stderr(verbose=crawl_options.verbose)
    return _visit_all(due, crawl_options, as_json=options["as_json"])


def _visit_all(plans: list[Plan], crawl_options: Options, *, as_json: bool) -> int:
    """Make the visits one after the other, show their results, and return the exit code."""
    from crawler.plan import contact_for
    from crawler.report import summary
    from crawler.report.progress import VisitProgress
    from crawler.visit.run import visit

    progress = VisitProgress()
    ended: list[Ended] = []
    for plan in plans:
        contact_for(plan, crawl_options)  # raises before the first visit, not between two
    for plan in plans:
        ended.append(visit(plan, crawl_options, report=progress.show, say=progress.say))
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


@crawler.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def sites(as_json: bool) -> None:
    """List the spiders that `crawler run` can use."""
    from crawler.plan import spiders

    abouts = {name: spider.about for name, spider in spiders().items()}
    if as_json:
        show_json(abouts, indent=2)
        return
    for name, about in abouts.items():
        show(f"{name:<16} {about}")


def main() -> None:
    """Entry point of the `crawler` command."""
    run_process(crawler, "crawler")
