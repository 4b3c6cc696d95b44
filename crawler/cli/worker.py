"""`crawler worker`: make the visits that are due."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from crawler.cli._options import warc_folder, warc_option
from registry.terminal import say, show_json

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.report.summary import Ended

MOST_VISITS = 256
NOTHING_DUE, UNREADABLE = 1, 4


@click.command("worker")
@click.option(
    "--concurrency",
    default=4,
    show_default=True,
    type=click.IntRange(1, MOST_VISITS),
    help="Most visits at a time, each of another host.",
)
@click.option("--once", is_flag=True, help="End when no visit is due.")
@warc_option
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each visit.")
def command(concurrency: int, once: bool, as_json: bool, warc: Path | None) -> int:
    """Make the visits that are due, until it is stopped.

    Any number of workers, on any number of machines, may use the same database: no host
    is visited by two at a time. Visits run in processes of their own. The first
    SIGTERM or Ctrl-C gives the visits back, and another worker continues them; so it does
    with those of a worker that was killed. CRAWLER_CONTACT is needed as for `crawler run`.

    \b
    Exit codes: 0 stopped by a signal, or all visits were made; 1 nothing was due (--once);
    2 wrong usage; 3 the database is unavailable; 4 a visit failed (--once), or WARC files cannot
    be written.

    \b
    Example:
        CRAWLER_CONTACT=mailto:me@example.org crawler worker --concurrency 8
    """
    import asyncio

    from crawler.report.summary import in_one_line, visit_json
    from crawler.worker.work import Worker

    def report(result: Ended) -> None:
        if as_json:
            show_json(visit_json(result))
        _log(in_one_line(result))

    folder = warc_folder(warc)

    async def work() -> Worker:
        worker = Worker(concurrency, once=once, say=_log, report=report, warc=folder)
        _log(f"worker {worker.name}: at most {concurrency} visits at a time")
        await worker.run()
        return worker

    done = asyncio.run(work())
    if not once or done.is_stopping:
        return 0
    if not done.made and not done.failed:
        _log("nothing is due")
        return NOTHING_DUE
    return UNREADABLE if done.failed else 0


def _log(text: str) -> None:
    say(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}")
