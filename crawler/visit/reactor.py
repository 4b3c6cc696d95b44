"""Twisted's reactor, started once per process and used by one visit after the other.

A stopped reactor cannot be started again. So it is never stopped: between visits its event
loop does not run.
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
    """Return the event loop of this process's reactor; the first call starts the reactor."""
    install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
    from twisted.internet import reactor

    # Daemon threads: name resolution must not keep the process from exiting.
    reactor.getThreadPool().threadFactory = partial(threading.Thread, daemon=True)
    reactor.startRunning(installSignalHandlers=False)
    loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop
    return loop


@contextmanager
def with_names(crawler: Crawler) -> Iterator[None]:
    """Install the resolver of this visit, until the context ends; visits at a time share one.

    Raises UsageError if one of them may request private addresses and another may not.
    """
    from twisted.internet import reactor

    # Results of an earlier visit may be outdated.
    dnscache.clear()
    settings = crawler.settings
    resolver = reactor.nameResolver
    if not isinstance(resolver, GuardedResolver):
        resolver = GuardedResolver.from_crawler(crawler, reactor)
        resolver.install_on_reactor()
    private_run = settings.getbool("PRIVATE_RUN")
    names = resolver.join(settings.getlist("VISITED_HOSTS"), private_run=private_run)
    try:
        yield
    finally:
        if resolver.leave(names):
            reactor.installNameResolver(resolver.original_resolver)
