"""Names that lead into private networks are not followed.

The bounds of a visit refuse private addresses; a public name may still resolve
to one, by mistake or to make the crawler knock inside the network it runs in.
Only the hosts a run was sent to (the setting VISITED_HOSTS) may. A run that was
sent to private hosts is at home there, and nothing is guarded; such a run is
sent to no public host.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scrapy.resolver import CachingThreadedResolver
from twisted.internet.error import DNSLookupError

from crawler.addresses import is_private

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from twisted.internet.base import ReactorBase
    from twisted.internet.defer import Deferred


class GuardedResolver(CachingThreadedResolver):
    """Scrapy's resolver, which finds no private address for a host that was not named."""

    visited: frozenset[str] = frozenset()
    at_home = False

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> GuardedResolver:
        """Make the resolver with the hosts of this run."""
        resolver = super().from_crawler(crawler, reactor)
        resolver.visited = frozenset(crawler.settings.getlist("VISITED_HOSTS"))
        resolver.at_home = bool(resolver.visited) and all(map(is_private, resolver.visited))
        return resolver

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:  # noqa: N802
        """Resolve a name; DNSLookupError for a private address."""
        found = super().getHostByName(name, timeout)
        if self.at_home or name in self.visited:
            return found
        return found.addCallback(_public, name)


def _public(address: str, name: str) -> str:
    if is_private(address):
        raise DNSLookupError(f"{name} is {address}, in a private network")
    return address
