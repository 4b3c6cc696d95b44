"""Hosts: when each may be requested next, over all processes, and which are never visited.

A request has a turn of its host's budget. While it is in progress, no other request gets one;
the next one is at least the delay later. Who lost its server process holds no turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

import psycopg

from registry.db.sql import load
from registry.errors import RegistryError
from registry.urls.budgets import budget_of
from registry.urls.hosts import bare
from registry.urls.networks import is_ip

SQL = load("hosts")
# A turn at most so many seconds away is taken, and waited for.
AHEAD = 0.05
# Seconds after which a request counts as over, beside the seconds that it may take.
LEASE = 30.0
# Seconds for which a visit lets another one go first that waited.
POLITE = 1.0
# Least and most seconds between two tries for a turn that another visit has.
LEAST_TRY, MOST_TRY = 0.02, 0.5
# `added_by` of a host that the page for site owners added begins so; the sender follows.
PAGE = "page: "
# Any number of 63 bits that no other lock of this program has (`registry.db.visits`).
PAGE_LOCK = 0x686F737470616765


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn of a request. `wait` in seconds; if it is not `taken`, ask again after it.

    `refused` is the reason why the host is never requested, or None. `status` is that of the
    response after which the host waits, or None.
    """

    wait: float
    taken: bool
    refused: str | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class RefusedHost:
    """A host that is never visited, with its subdomains."""

    name: str
    reason: str
    added_by: str
    added_at: datetime


class HostRefused(RegistryError):
    """The host is never visited."""

    hint = "`crawler refuse list` says who added it, `crawler refuse remove HOST` allows it again"

    def __init__(self, hostname: str, refused: RefusedHost) -> None:
        name = hostname if hostname == refused.name else f"{hostname} (as {refused.name})"
        super().__init__(f"{name} is never visited: {refused.reason}")


def take_turn(
    conn: psycopg.Connection,
    host: str,
    *,
    holder: int,
    delay: float,
    timeout: float,
) -> Turn:
    """Take the turn of a request to `host`; the next one starts at least `delay` seconds later.

    `holder` is a number of the visit. The request may take `timeout` seconds; `end_turn` ends it.
    """
    values = {
        "names": names_of(host),
        "budget": budget_of(host),
        "holder": holder,
        "delay": delay,
        "lease": timeout + LEASE,
        "ahead": AHEAD,
        "polite": POLITE,
    }
    row = conn.execute(SQL["take_turn"], values).fetchone()
    assert row is not None  # it selects from a constant
    refused, at, status, next_in = row
    if refused is not None:
        return Turn(0.0, taken=False, refused=refused)
    if at is not None:
        return Turn(max(at, 0.0), taken=True)
    if next_in is None:
        conn.execute(SQL["add_host"], values)
        return take_turn(conn, host, holder=holder, delay=delay, timeout=timeout)
    try_again = min(max(delay / 4, LEAST_TRY), MOST_TRY)
    return Turn(next_in if next_in > AHEAD else try_again, taken=False, status=status)


def end_turn(
    conn: psycopg.Connection, host: str, *, holder: int, seconds: float, status: int | None
) -> None:
    """End a request; the next one may not start within so many seconds.

    `status` is that of a response that asked for the delay, or None.
    """
    values = {"budget": budget_of(host), "holder": holder, "seconds": seconds, "status": status}
    conn.execute(SQL["end_turn"], values)


def set_crawl_delay(conn: psycopg.Connection, host: str, seconds: float) -> None:
    """Keep the `Crawl-delay` of a host."""
    conn.execute(SQL["set_crawl_delay"], {"budget": budget_of(host), "seconds": seconds})


def delayed_hosts(conn: psycopg.Connection, hostnames: Iterable[str]) -> dict[str, datetime]:
    """Return those of the hosts that have no turn now, each with the time of the next."""
    budgets = {hostname: budget_of(hostname) for hostname in hostnames}
    values = {"names": sorted(set(budgets.values()))}
    delayed: dict[str, datetime] = dict(conn.execute(SQL["delayed_hosts"], values).fetchall())
    return {hostname: delayed[own] for hostname, own in budgets.items() if own in delayed}


def refuse(conn: psycopg.Connection, name: str, *, reason: str, added_by: str) -> bool:
    """Never visit a host and its subdomains; return False if it was refused already."""
    values = {"name": name, "reason": reason, "added_by": added_by}
    return conn.execute(SQL["refuse_host"], values).fetchone() is not None


def allow(conn: psycopg.Connection, names: Sequence[str]) -> list[str]:
    """Take hosts off the list; return those that were on it."""
    return [row[0] for row in conn.execute(SQL["allow_hosts"], {"names": list(names)})]


def refused_hosts(
    conn: psycopg.Connection, names: Sequence[str] | None = None
) -> list[RefusedHost]:
    """Return the refused hosts, or those of `names`, in the order in which they were added."""
    values = {"names": None if names is None else list(names)}
    return [RefusedHost(*row) for row in conn.execute(SQL["refused_hosts"], values)]


def refusals_of(conn: psycopg.Connection, hostnames: Iterable[str]) -> dict[str, RefusedHost]:
    """Return those of the hosts that are refused, by themselves or with a parent domain.

    Of several refusals of a host, it is the one with the longest name.
    """
    names = {hostname: names_of(hostname) for hostname in hostnames}
    listed = {one.name: one for one in refused_hosts(conn, sorted(set(chain(*names.values()))))}
    nearest = {
        hostname: next(filter(None, map(listed.get, own)), None) for hostname, own in names.items()
    }
    return {hostname: refused for hostname, refused in nearest.items() if refused}


def names_of(host: str) -> list[str]:
    """Return the names under which a host may be refused: its own and its parent domains'."""
    labels = [host] if is_ip(host) else host.split(".")
    return [".".join(labels[cut:]) for cut in range(max(len(labels) - 1, 1))]


def schedules_below(conn: psycopg.Connection) -> Counter[str]:
    """Return how many schedules there are at each host name, those of its subdomains among them."""
    below = Counter[str]()
    for host, number in conn.execute(SQL["scheduled_hosts"]):
        for name in names_of(bare(host)):
            below[name] += number
    return below


def lock_page(conn: psycopg.Connection) -> None:
    """Let no other transaction add hosts for the page until this one ends."""
    conn.execute(SQL["lock_page"], {"key": PAGE_LOCK})


def added_by_page(conn: psycopg.Connection, added_by: str) -> tuple[int, int]:
    """Return how many hosts on the list the page added within a day: for this sender, for all."""
    values = {"added_by": added_by, "page": PAGE}
    row = conn.execute(SQL["added_by_page"], values).fetchone()
    assert row is not None
    own, every = row
    return own, every
