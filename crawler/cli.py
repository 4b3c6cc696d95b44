"""The `crawler` command. Scrapy loads when a command needs it, not for `--help`."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click

from registry import __version__
from registry.cli import run as run_process


@click.group()
@click.version_option(__version__, prog_name="crawler")
def crawler() -> None:
    """Visit art sites politely and record the marks they carry."""


@crawler.command()
@click.argument("targets", metavar="SPIDER|URL...", nargs=-1, required=True)
@click.option("--max-pages", default=500, show_default=True, type=click.IntRange(1))
@click.option("--max-depth", default=10, show_default=True, type=click.IntRange(0))
@click.option("--max-images", default=5000, show_default=True, type=click.IntRange(0))
@click.option(
    "--max-seconds",
    default=3600.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="End the visit after this time.",
)
@click.option(
    "--max-bytes",
    default=50 * 1024 * 1024,
    show_default=True,
    type=click.IntRange(1),
    help="Largest image file to take.",
)
@click.option(
    "--delay",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Least seconds between two requests to a host; slow hosts get more.",
)
@click.option(
    "--timeout",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0, 3600, min_open=True),
    help="Most seconds one download may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--verbose", is_flag=True, help="Show Scrapy's whole log.")
def run(targets: tuple[str, ...], delay: float, timeout: float, **options: Any) -> int:
    """Visit sites, and record their images and marks in the database.

    A URL is crawled from there on, within its host. robots.txt is always
    obeyed. CRAWLER_CONTACT (a web page, or mailto:YOU@HOST) says in the user
    agent whom a site's owner can ask; without it only this machine is visited.

    \b
    Ends with 0; 1 no image found; 2 usage; 3 the database is unavailable;
    4 a start URL could not be read; 130 interrupted.

    \b
    Example:
        CRAWLER_CONTACT=mailto:me@example.org crawler run https://gallery.example/
    """
    from crawler import run as visits
    from crawler import summary
    from crawler.frontier import Limits
    from crawler.progress import Progress

    limits = Limits(
        pages=options["max_pages"],
        depth=options["max_depth"],
        images=options["max_images"],
        seconds=options["max_seconds"],
        bytes=options["max_bytes"],
    )
    contact = os.environ.get("CRAWLER_CONTACT")
    settings = visits.Options(limits, delay, timeout, contact, options["verbose"])
    progress = Progress(sys.stderr)
    made = visits.Run(settings, progress)
    made.visit([visits.plan(target) for target in targets])
    if options["as_json"]:
        click.echo(json.dumps(summary.as_json(made.ended), indent=2))
    else:
        for ended in made.ended:
            click.echo(summary.as_text(ended))
    for failure in summary.failures(made.ended):
        progress.say(f"error: {failure}")
    return 128 + made.signal if made.signal else summary.exit_code(made.ended)


@crawler.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def sites(as_json: bool) -> None:
    """List the spiders: what `crawler run` can visit."""
    from crawler.run import spiders

    found = {name: spider.about for name, spider in spiders().items()}
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for name, about in found.items():
        click.echo(f"{name:<16} {about}")


def main() -> None:
    """Entry point of the `crawler` command."""
    run_process(crawler, "crawler")
