"""Refuses host names that resolve to private addresses.

The bounds of a visit refuse private addresses in URLs; a public name may still resolve
to one, by mistake or as an attack on the network that the crawler runs in.
All addresses of a name are checked, IPv4 and IPv6, and connections use only checked
addresses: nothing is resolved twice. A name with a private address is refused, also
if it is the host of the start URL.

In a private run (the setting PRIVATE_RUN: all start hosts are private addresses or
names, or the user gave `--private`) private addresses are allowed, but a start host
with a public name must resolve to private addresses only: pages of a public host
must not link a private run to private addresses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from scrapy.resolver import CachingHostnameResolver
from twisted.internet.interfaces import IAddress, IHostResolution, IResolutionReceiver

from registry.errors import UsageError
from registry.urls.networks import is_private, is_public

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy.crawler import Crawler
    from twisted.internet.base import ReactorBase

PRIVATE, PUBLIC = "private-address", "public-address"


class GuardedResolver(CachingHostnameResolver):
    """Scrapy's resolver for IPv4 and IPv6, which returns no addresses of refused names.

    The visits of a process share it; each joins with its start hosts, and leaves at its end.
    `refused` maps every name that was refused when it was last resolved to its refusal.
    """

    def __init__(
        self,
        reactor: ReactorBase,
        cache_size: int,
        timeout: float,
        *,
        private_run: bool = False,
    ) -> None:
        """Resolve within `timeout` seconds; no visit has joined."""
        super().__init__(reactor, cache_size)
        self.private_run = private_run
        self.refused: dict[str, str] = {}
        self._timeout = timeout
        self._visits = 0
        self._named: Counter[str] = Counter()

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> GuardedResolver:
        """Make the resolver with the settings of a visit, which has to join it."""
        settings = crawler.settings
        return cls(
            reactor,
            settings.getint("DNSCACHE_SIZE"),
            settings.getfloat("DNS_TIMEOUT"),
            private_run=settings.getbool("PRIVATE_RUN"),
        )

    def join(self, hosts: Sequence[str], *, private_run: bool) -> list[str]:
        """Add a visit with its start hosts; return those whose names are public.

        Raises UsageError if the visit may request private addresses and others may not, or
        the reverse.
        """
        if private_run != self.private_run:
            raise UsageError(
                "one process cannot visit both a private network and the public web",
                "make these visits in two processes",
            )
        names = [name for name in hosts if not is_private(name)]
        self._visits += 1
        self._named.update(names)
        return names

    def leave(self, names: Sequence[str]) -> bool:
        """Remove a visit with the names that `join` returned; return whether it was the last."""
        self._visits -= 1
        self._named.subtract(names)
        return self._visits == 0

    def resolveHostName(  # noqa: N802
        self,
        resolutionReceiver: IResolutionReceiver,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Sequence[type[IAddress]] | None = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> IHostResolution:
        """Resolve a name; return no address if one of them is refused."""
        guard = _Guard(resolutionReceiver, lambda addresses: self._allowed(hostName, addresses))
        guard.timer = self.reactor.callLater(self._timeout, guard.resolutionComplete)
        return super().resolveHostName(
            guard,  # type: ignore[arg-type]
            hostName,
            portNumber,
            addressTypes,
            transportSemantics,
        )

    def _allowed(self, name: str, addresses: list[Any]) -> list[Any]:
        public = [is_public(address.host) for address in addresses]
        if self.private_run:
            refusal = PUBLIC if self._named[name] and any(public) else None
        else:
            refusal = None if all(public) else PRIVATE
        if refusal is None:
            self.refused.pop(name, None)
            return addresses
        self.refused[name] = refusal
        return []


class _Guard:
    """Collects all addresses of a name, then passes the allowed ones to the receiver."""

    timer: Any = None

    def __init__(
        self, receiver: IResolutionReceiver, allowed: Callable[[list[Any]], list[Any]]
    ) -> None:
        self._receiver: Any = receiver
        self._allowed = allowed
        self._addresses: list[Any] = []
        self._ended = False

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:  # noqa: N802, N803
        self._receiver.resolutionBegan(resolutionInProgress)

    def addressResolved(self, address: IAddress) -> None:  # noqa: N802
        self._addresses.append(address)

    def resolutionComplete(self) -> None:  # noqa: N802
        """Pass the addresses on; called by the resolver, or after the timeout."""
        if self._ended:
            return
        self._ended = True
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        for address in self._allowed(self._addresses):
            self._receiver.addressResolved(address)
        self._receiver.resolutionComplete()
