"""Which hosts share one budget of requests."""

from __future__ import annotations

import pytest

from registry.db.hosts import names_of
from registry.urls.budgets import budget_of


@pytest.mark.parametrize(
    ("host", "budget"),
    [
        ("img1.example.org", "img#.example.org"),
        ("img22.example.org", "img#.example.org"),
        ("i0-2.wp.com", "i#-#.wp.com"),
        ("i0.wp.com", "i#.wp.com"),
        ("500px.com", "500px.com"),
        ("9gag.co", "9gag.co"),
        ("www.example.org", "www.example.org"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("localhost", "localhost"),
        ("a1.b2.example.org", "a#.b2.example.org"),
    ],
)
def test_numbered_hosts_share_a_budget(host: str, budget: str) -> None:
    assert budget_of(host) == budget


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("a.b.example", ["a.b.example", "b.example"]),
        ("example.org", ["example.org"]),
        ("localhost", ["localhost"]),
        ("10.0.0.1", ["10.0.0.1"]),
        ("2001:db8::1", ["2001:db8::1"]),
    ],
)
def test_a_host_is_refused_by_its_name_and_its_parents(host: str, names: list[str]) -> None:
    assert names_of(host) == names
