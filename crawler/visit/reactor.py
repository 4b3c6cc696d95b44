"""Twisted's reactor, started once in a process and driven by one visit after the other.

A reactor that was stopped cannot be started again. So it is never stopped: between visits
its event loop stands still.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING

from scrapy.resolver import dnscache
from scrapy.utils.reactor import install_reactor

from crawler.manners.resolver import GuardedResolver

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


@cache
def running_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop of this process's reactor, which is started with the first call."""
    install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
    from twisted.internet import reactor

    # Threads that still resolve names keep no process from ending.
    reactor.getThreadPool().threadFactory = partial(threading.Thread, daemon=True)
    reactor.startRunning(installSignalHandlers=False)
    loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop
    return loop


@contextmanager
def with_names(crawler: Crawler) -> Iterator[None]:
    """Resolve names as this visit may, until its end."""
    from twisted.internet import reactor

    before = reactor.nameResolver
    # What an earlier visit learnt may be true no more.
    dnscache.clear()
    GuardedResolver.from_crawler(crawler, reactor).install_on_reactor()
    try:
        yield
    finally:
        reactor.installNameResolver(before)
