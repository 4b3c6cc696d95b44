"""Errors of a worker's own output end it, after its visits were given back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg
import pytest
from fake_children import fake_child

from crawler.record.schedules import add_all
from crawler.worker import children
from crawler.worker.work import Worker
from registry.db.schedules import Terms
from registry.errors import UnwritableOutput


@pytest.mark.parametrize("once", [True, False])
def test_a_result_that_cannot_be_written_ends_the_worker(
    once: bool, conn: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)
    monkeypatch.setattr(children, "command", fake_child)
    hosts = ("quick.example", "slow.example")
    add_all([Terms("gallery", f"https://{h}/", h, every=timedelta(days=1)) for h in hosts])

    def report(_: object) -> None:
        raise UnwritableOutput("standard output: No space left on device")

    worker = Worker(4, once=once, say=lambda text: None, report=report)

    async def work() -> None:
        async with asyncio.timeout(20):
            await worker.run()

    with pytest.raises(UnwritableOutput):
        asyncio.run(work())
    # The end of the slow visit was reported, too.
    assert worker.made == 2
    assert conn.execute("SELECT count(*) FROM visit").fetchone() == (2,)
