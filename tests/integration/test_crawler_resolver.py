"""What names resolve to: judged before anything is connected to, both families, once."""

from __future__ import annotations

import subprocess
import sys
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
from registry.errors import UsageError


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


def test_a_name_is_refused_as_long_as_its_addresses_are() -> None:
    """The visits of a process share the resolver for days; a later error is another one."""
    guard = resolver(["10.0.0.1"])
    assert resolved(guard).addresses == []
    assert guard.refused == {"art.example": "private-address"}
    dnscache.clear()
    guard.original_resolver.addresses = []
    assert resolved(guard).addresses == []
    assert guard.refused == {}


def test_visits_share_a_resolver_until_the_last_has_left() -> None:
    guard = resolver(["8.8.8.8"])  # one has joined
    names = [guard.join([host, "10.0.0.1"], private_run=False) for host in ("a", "b.example")]
    # Hosts without a dot are private names.
    assert names == [[], ["b.example"]]
    assert [guard.leave(left) for left in (*names, [])] == [False, False, True]


@pytest.mark.parametrize("private", [True, False])
def test_visits_of_another_privacy_cannot_join(private: bool) -> None:
    guard = resolver(["8.8.8.8"], private=private)
    with pytest.raises(UsageError, match="both a private network and the public web"):
        guard.join(["b.example"], private_run=not private)
    # It has not joined.
    assert guard.leave([])


def test_a_name_is_guarded_until_the_last_visit_that_names_it_has_left() -> None:
    guard = resolver(["8.8.8.8"], private=True)
    visits = [guard.join(["art.example"], private_run=True) for _ in range(2)]
    for names in visits:
        assert resolved(guard).addresses == []
        guard.leave(names)
    assert resolved(guard).addresses == ["8.8.8.8"]


SHARED = """
from contextlib import ExitStack
from types import SimpleNamespace

from scrapy.settings import Settings

from crawler.manners.resolver import GuardedResolver
from crawler.settings import scrapy_settings
from crawler.visit.reactor import running_loop, with_names
from registry.errors import UsageError

loop = running_loop()
from twisted.internet import reactor


def visit(host, private=False):
    settings = scrapy_settings(contact="t", delay=1, timeout=5, hosts=[host], private=private)
    stack = ExitStack()
    stack.enter_context(with_names(SimpleNamespace(settings=Settings(settings))))
    return stack


async def main():
    original = reactor.nameResolver
    for private in (False, True):
        first = visit("a.example", private)
        guard = reactor.nameResolver
        assert isinstance(guard, GuardedResolver)
        assert guard.private_run == private
        second = visit("b.example", private)
        assert reactor.nameResolver is guard
        first.close()
        assert reactor.nameResolver is guard
        try:
            visit("c.example", not private)
        except UsageError:
            assert reactor.nameResolver is guard
        else:
            raise AssertionError("both kinds of visits at once")
        third = visit("d.example", private)
        assert reactor.nameResolver is guard
        second.close()
        assert reactor.nameResolver is guard
        third.close()
        assert reactor.nameResolver is original


loop.run_until_complete(main())
"""


def test_visits_at_a_time_share_the_resolver_of_the_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SHARED], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.stderr, ended.returncode) == ("", 0)
