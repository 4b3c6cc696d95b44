"""`crawler worker`: make the visits that are due."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from crawler.cli._address import Address, url_of
from crawler.cli._options import warc_folder, warc_option
from registry.terminal import say, show_json

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.report.summary import Ended
    from crawler.worker.work import Worker

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
@click.option(
    "--metrics",
    type=Address("127.0.0.1"),
    metavar="[HOST:]PORT",
    help="Serve metrics for Prometheus at /metrics, without HOST on 127.0.0.1; port 0 takes a "
    "free one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each visit.")
def command(
    concurrency: int,
    once: bool,
    as_json: bool,
    warc: Path | None,
    metrics: tuple[str, int] | None,
) -> int:
    """Make the visits that are due, until it is stopped.

    Any number of workers, on any number of machines, may use the same database: no host
    is visited by two at a time. Visits run in processes of their own. The first
    SIGTERM or Ctrl-C gives the visits back, and another worker continues them; so it does
    with those of a worker that was killed. CRAWLER_CONTACT is needed as for `crawler run`.

    \b
    Exit codes: 0 stopped by a signal, or all visits were made; 1 nothing was due (--once);
    2 wrong usage; 3 the database or the address of --metrics is unavailable; 4 a visit failed
    (--once), or WARC files cannot be written.

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
        with _served(worker, metrics) if metrics else nullcontext():
            _log(f"worker {worker.name}: at most {concurrency} visits at a time")
            await worker.run()
        return worker

    done = asyncio.run(work())
    if done.is_stopping:
        _log(f"the worker has ended; it made {done.made:,} visits")
    if not once or done.is_stopping:
        return 0
    if not done.made and not done.failed:
        _log("nothing is due")
        return NOTHING_DUE
    return UNREADABLE if done.failed else 0


@contextmanager
def _served(worker: Worker, address: tuple[str, int]) -> Iterator[None]:
    """Serve the metrics of a worker. Raises ServiceUnavailable if the address is taken."""
    from crawler.owners.server import served_beside
    from crawler.worker.metrics import PATH, application

    host, port = address
    with served_beside(application(worker), host, port, "--metrics") as taken:
        _log(f"metrics are at {url_of(host, taken)}{PATH}")
        yield


def _log(text: str) -> None:
    say(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}")
