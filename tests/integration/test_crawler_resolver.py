"""What names resolve to: judged before anything is connected to, both families, once."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from private_addresses import IPV4, IPV6, PUBLIC_IPS
from scrapy.resolver import dnscache
from scrapy.settings import Settings
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.task import Clock

from crawler.manners.resolver import GuardedResolver
from crawler.settings import scrapy_settings


class Inner:
    """Stands for Twisted's resolver: gives the addresses it has, or none for ever."""

    def __init__(self, addresses: list[str] | None) -> None:
        self.addresses = addresses
        self.asked = 0

    def resolveHostName(self, receiver: Any, name: str, port: int = 0, *_: Any) -> Any:
        self.asked += 1
        receiver.resolutionBegan(self)
        for address in self.addresses or []:
            kind = IPv6Address if ":" in address else IPv4Address
            receiver.addressResolved(kind("TCP", address, port))
        if self.addresses is not None:
            receiver.resolutionComplete()
        return self


class Receiver:
    """Takes what the guarded resolver hands on."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.ended = 0

    def resolutionBegan(self, _: Any) -> None:
        return

    def addressResolved(self, address: Any) -> None:
        self.addresses.append(address.host)

    def resolutionComplete(self) -> None:
        self.ended += 1


def resolver(
    addresses: list[str] | None, *, hosts: tuple[str, ...] = (), private: bool = False
) -> Any:
    reactor = Clock()
    reactor.nameResolver = Inner(addresses)  # type: ignore[attr-defined]
    named = scrapy_settings(contact="test", delay=1, timeout=5, hosts=hosts, private=private)
    crawler = SimpleNamespace(settings=Settings(named))
    guard = GuardedResolver.from_crawler(crawler, reactor)  # type: ignore[arg-type]
    guard.join(named["VISITED_HOSTS"], private_run=named["PRIVATE_RUN"])
    return guard


def resolved(guard: Any, name: str = "art.example") -> Receiver:
    receiver = Receiver()
    guard.resolveHostName(receiver, name, 80)
    return receiver


@pytest.fixture(autouse=True)
def nothing_cached() -> Iterator[None]:
    """Forget the names of one test for the next."""
    dnscache.clear()
    yield
    dnscache.clear()


@pytest.mark.parametrize("address", [*IPV4, *IPV6])
def test_a_public_name_of_a_private_address_is_refused(address: str) -> None:
    for hosts in ((), ("art.example",)):
        guard = resolver([address], hosts=hosts)
        for _ in range(2):  # the second time out of the cache
            found = resolved(guard)
            assert (found.addresses, found.ended) == ([], 1)
        assert guard.refused == {"art.example": "private-address"}


def test_public_addresses_of_both_families_are_handed_on() -> None:
    found = resolved(resolver(list(PUBLIC_IPS)))
    assert (found.addresses, found.ended) == (PUBLIC_IPS, 1)


@pytest.mark.parametrize("private", ["10.0.0.1", "::1", "64:ff9b::a00:1"])
def test_a_name_of_both_kinds_of_address_is_refused(private: str) -> None:
    assert resolved(resolver(["8.8.8.8", private, "2606::1"])).addresses == []
    assert resolved(resolver([private, "8.8.8.8"], hosts=("art.example",))).addresses == []


def test_what_was_judged_is_what_is_connected_to() -> None:
    """A name that changes between two questions (DNS rebinding) is resolved once."""
    guard = resolver(["8.8.8.8"])
    assert resolved(guard).addresses == ["8.8.8.8"]
    guard.original_resolver.addresses = ["127.0.0.1"]
    assert resolved(guard).addresses == ["8.8.8.8"]
    assert guard.original_resolver.asked == 1


def test_a_resolver_that_never_answers_ends_in_time() -> None:
    guard = resolver(None)
    found = resolved(guard)
    guard.reactor.advance(9)
    assert found.ended == 0
    guard.reactor.advance(2)
    assert (found.addresses, found.ended) == ([], 1)
    assert guard.refused == {}


@pytest.mark.parametrize(
    ("hosts", "private", "guarded"),
    [
        (("127.0.0.1", "db"), False, False),
        (("art.example",), False, True),
        (("art.example",), True, False),
        (("art.example", "127.0.0.1"), False, True),
        ((), False, True),
    ],
)
def test_a_private_run_guards_nothing(hosts: tuple[str, ...], private: bool, guarded: bool) -> None:
    found = resolved(resolver(["10.0.0.1", "::1"], hosts=hosts, private=private))
    assert found.addresses == ([] if guarded else ["10.0.0.1", "::1"])


@pytest.mark.parametrize("addresses", [["8.8.8.8"], ["10.0.0.1", "8.8.8.8"]])
def test_a_host_named_in_a_private_run_has_to_be_private(addresses: list[str]) -> None:
    guard = resolver(addresses, hosts=("art.example",), private=True)
    assert resolved(guard).addresses == []
    assert guard.refused == {"art.example": "public-address"}
    assert resolved(guard, "cdn.example").addresses == addresses
