"""Errors of a worker's own output end it, after its visits were given back."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta

import psycopg
import pytest
from fake_children import fake_child

from crawler.record.schedules import add_all
from crawler.worker import children
from crawler.worker.work import Worker
from registry.db.schedules import Terms
from registry.errors import UnwritableOutput


def unwritable(_: object) -> None:
    raise UnwritableOutput("standard output: No space left on device")


@pytest.fixture(autouse=True)
def fakes(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)
    monkeypatch.setattr(children, "command", fake_child)


def add(*hosts: str) -> None:
    add_all([Terms("gallery", f"https://{h}/", h, every=timedelta(days=1)) for h in hosts])


async def work(worker: Worker) -> None:
    async with asyncio.timeout(30):
        await worker.run()


@pytest.mark.parametrize("once", [True, False])
def test_a_result_that_cannot_be_written_ends_the_worker(
    once: bool, conn: psycopg.Connection
) -> None:
    add("quick.example", "slow.example")
    worker = Worker(4, once=once, say=lambda text: None, report=unwritable)
    with pytest.raises(UnwritableOutput):
        asyncio.run(work(worker))
    # The end of the slow visit was reported, too.
    assert worker.made == 2
    assert conn.execute("SELECT count(*) FROM visit").fetchone() == (2,)


def test_a_result_that_cannot_be_written_at_the_end_is_an_error() -> None:
    add("slow.example")
    stops = iter([signal.SIGTERM])

    def say(_: str) -> None:
        """Stop the worker when its visit has begun."""
        for number in stops:
            signal.raise_signal(number)

    worker = Worker(4, once=False, say=say, report=unwritable)
    with pytest.raises(UnwritableOutput):
        asyncio.run(work(worker))
    assert worker.is_stopping
    assert worker.made == 1
