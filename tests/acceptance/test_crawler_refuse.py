"""`crawler refuse`: hosts that are never visited, from the command to the request not made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from crawling import Run, rows


@pytest.fixture
def refuse(run: Run, database_url: str) -> Run:
    def refused(*arguments: object) -> Any:
        return run("crawler", "refuse", *arguments, database=database_url)

    return refused


@pytest.fixture
def schedule(run: Run, database_url: str) -> Run:
    def scheduled(*arguments: object) -> Any:
        return run("crawler", "schedule", *arguments, database=database_url)

    return scheduled


def test_hosts_are_added_listed_and_removed(refuse: Run, schedule: Run) -> None:
    empty = refuse("list")
    assert (empty.returncode, empty.stderr) == (1, "no host is refused\n")
    schedule("add", "https://a.example/", "http://www.a.example:8080/", "https://b.example/")
    added = refuse("add", "HTTPS://A.example/x", "a.example.", "faß.de", "--reason", "asked\nfor")
    assert added.returncode == 0, added.stderr
    assert added.stdout == (
        "added     a.example; 2 schedules are not visited\nadded     xn--fa-hia.de\n"
    )
    again = refuse("add", "a.example", "--reason", "another")
    assert again.returncode == 0
    assert again.stdout == (
        "unchanged a.example (refused already: asked for); 2 schedules are not visited\n"
    )
    table = refuse("list")
    assert table.returncode == 0
    assert table.stdout.startswith("2 refused hosts\n")
    assert "operator  asked for" in table.stdout
    one, other = json.loads(refuse("list", "--json").stdout)["hosts"]
    assert (one["host"], one["added_by"], one["schedules"]) == ("a.example", "operator", 2)
    assert (other["host"], other["reason"], other["schedules"]) == ("xn--fa-hia.de", "asked for", 0)
    result = json.loads(refuse("add", "a.example", "c.example", "--reason", "x", "--json").stdout)
    assert [each["result"] for each in result["results"]] == ["unchanged", "added"]
    assert refuse("remove", "https://a.example/", "faß.de").stdout == (
        "removed   a.example\nremoved   xn--fa-hia.de\n"
    )
    removed = json.loads(refuse("remove", "c.example", "--json").stdout)
    assert removed == {"results": [{"host": "c.example", "result": "removed"}]}
    assert refuse("list", "--json").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (("add", "co.uk", "--reason", "x"), "co.uk is a public suffix", "gallery.co.uk"),
        (("add", "a.example", "com", "--reason", "x"), "com is a public suffix", "gallery.com"),
        (("add", "a b", "--reason", "x"), "'a b' is no host", "gallery.example"),
        (("add", "a.example", "--reason", "x" * 501), "the reason has 501", "at most 500"),
        (("add", "a.example", "--reason", " "), "--reason is empty", "asked by the owner"),
        (("add", "10.0.0.0/8", "--reason", "x"), "10.0.0.0/8 is a network", "each host"),
        (("add", "fd00::/8", "--reason", "x"), "fd00::/8 is a network", "each host"),
        (("add", "a.example"), "Missing option '--reason'", "crawler refuse add"),
        (("add", "--reason", "x"), "Missing argument", "crawler refuse add"),
        (("remove", "z.example", "b.example"), "z.example is not on the list", "refuse list"),
        (("remove", "x.b.example"), "x.b.example is not on the list", "it is refused with b.exam"),
    ],
)
def test_wrong_usage_changes_nothing(
    refuse: Run, database_url: str, arguments: tuple[str, ...], error: str, hint: str
) -> None:
    refuse("add", "b.example", "--reason", "x")
    ended = refuse(*arguments)
    assert ended.returncode == 2
    first, second = ended.stderr.splitlines()
    assert error in first
    assert hint in second
    assert rows(database_url, "SELECT name FROM refused_host") == [("b.example",)]


def test_a_refused_site_gets_no_request(refuse: Run, crawl: Run, site: Any, schedule: Run) -> None:
    refuse("add", "127.0.0.1", "--reason", "asked by the owner")
    added = schedule("add", site.url)
    assert added.returncode == 0
    assert added.stdout.startswith("added ")
    assert added.stderr == (
        "warning: 127.0.0.1 is not visited while 127.0.0.1 is refused: asked by the owner\n"
    )
    for arguments in ((site.url,), ("http://localhost:1/", site.url)):
        ended = crawl(*arguments, "--json")
        assert ended.returncode == 4
        assert ended.stdout == ""
        assert ended.stderr.splitlines() == [
            "error: 127.0.0.1 is never visited: asked by the owner",
            "hint: `crawler refuse list` says who added it, "
            "`crawler refuse remove HOST` allows it again",
        ]
    assert site.requests == []
    assert refuse("remove", site.url).returncode == 0
    assert crawl(site.url, "--max-pages", 1).returncode == 0
    assert site.requests
