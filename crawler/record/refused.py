"""Adds hosts to the list of those that are never visited, and takes them off it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from psycopg import Connection

from registry.db import hosts
from registry.db.connect import connect
from registry.db.hosts import HostRefused
from registry.errors import UsageError

OPERATOR = "operator"
# Hosts that the page for site owners adds within a day: for one sender, for all of them.
MOST_OF_SENDER, MOST_OF_PAGE = 10, 200

FromPage = Literal["refused", "known", "too-many", "too-many-of-all"]


def refuse_hosts(conn: Connection, names: Sequence[str], reason: str) -> list[str]:
    """Refuse hosts for the operator; return those that were not on the list."""
    return [name for name in names if hosts.refuse(conn, name, reason=reason, added_by=OPERATOR)]


def refuse_for_page(name: str, *, reason: str, sender: str) -> FromPage:
    """Refuse a host for a sender of the page for site owners, within its limits.

    The host is `known` if it is refused already, by itself or with a parent domain. Raises the
    errors of `connect`.
    """
    added_by = f"{hosts.PAGE}{sender}"
    with connect() as conn, conn.transaction():
        hosts.lock_page(conn)
        if hosts.refusals_of(conn, [name]):
            return "known"
        own, every = hosts.added_by_page(conn, added_by)
        if own >= MOST_OF_SENDER:
            return "too-many"
        if every >= MOST_OF_PAGE:
            return "too-many-of-all"
        hosts.refuse(conn, name, reason=reason, added_by=added_by)
    return "refused"


def allow_hosts(conn: Connection, names: Sequence[str]) -> None:
    """Take hosts off the list, all or none. Raises UsageError if one is not on it."""
    listed = {one.name for one in hosts.refused_hosts(conn, names)}
    for name in names:
        if name not in listed:
            above = hosts.refusals_of(conn, [name]).get(name)
            hint = f"it is refused with {above.name}" if above else "crawler refuse list"
            raise UsageError(f"{name} is not on the list", hint)
    hosts.allow(conn, names)


def raise_refused(conn: Connection, hostnames: Iterable[str]) -> None:
    """Raise HostRefused if one of the hosts is never visited."""
    for hostname, refused in hosts.refusals_of(conn, hostnames).items():
        raise HostRefused(hostname, refused)
