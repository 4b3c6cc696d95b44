"""Fetching: limits of size and time, and what public sites may not lead to."""

import http.client
import socket

import pytest

from registry.sources import fetch
from registry.sources.fetch import NotFetched, Visitor


def test_a_public_site_leads_into_no_private_network(site, monkeypatch):
    """The site's own host counts as public; where it redirects to does not."""
    public = site.hosts["site"]
    monkeypatch.setattr(fetch, "is_public", lambda address: address == public)
    headers = [("Location", f"{site.other_url}/secret")]
    site.replace("/about.html", b"", status=302, headers=headers)
    with pytest.raises(NotFetched) as caught:
        Visitor().fetch(f"{site.url}/about.html")
    assert caught.value.reason == "private-address"
    assert all(request.host == public for request in site.requests)


def test_a_robots_txt_that_leads_inside_is_named(site, monkeypatch):
    public = site.hosts["site"]
    monkeypatch.setattr(fetch, "is_public", lambda address: address == public)
    inside = f"{site.other_url}/secret"
    site.replace("/robots.txt", b"", status=302, headers=[("Location", inside)])
    with pytest.raises(NotFetched) as caught:
        Visitor().fetch(f"{site.url}/about.html")
    assert f"(private-address: {inside}: host resolves" in caught.value.message


def test_a_name_of_a_public_and_a_private_address_is_private(site, monkeypatch):
    real = socket.getaddrinfo

    def both(host, *options, **named):
        rest = real("8.8.8.8", *options, **named) if host == site.hosts["other"] else []
        return [*rest, *real(host, *options, **named)]

    public = {site.hosts["site"], "8.8.8.8"}
    monkeypatch.setattr(fetch, "is_public", public.__contains__)
    monkeypatch.setattr(socket, "getaddrinfo", both)
    site.replace("/about.html", b"", status=302, headers=[("Location", site.other_url)])
    with pytest.raises(NotFetched) as caught:
        Visitor().fetch(f"{site.url}/about.html")
    assert caught.value.reason == "private-address"


def test_a_name_of_both_kinds_of_address_is_not_asked_at_all(site, monkeypatch):
    real = socket.getaddrinfo

    def both(host, *options, **named):
        return [*real("8.8.8.8", *options, **named), *real(host, *options, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(NotFetched) as caught:
        Visitor().fetch(f"{site.url}/about.html")
    assert caught.value.reason == "private-address"
    assert site.requests == []


def test_a_local_site_may_lead_to_a_local_one(site):
    site.replace("/about.html", b"", status=302, headers=[("Location", f"{site.other_url}/")])
    assert Visitor().fetch(f"{site.url}/about.html").url == f"{site.other_url}/"


def test_a_long_answer_is_cut(site, monkeypatch):
    monkeypatch.setattr(fetch, "READ_LIMIT", 1000)
    site.replace("/about.html", b"x" * 5000)
    response = Visitor().fetch(f"{site.url}/about.html")
    assert len(response.body) == 1000
    assert "read up to there" in response.notes[0]


def test_a_picture_may_be_longer_than_a_page(site, monkeypatch):
    monkeypatch.setattr(fetch, "READ_LIMIT", 1000)
    monkeypatch.setattr(fetch, "PICTURE_LIMIT", 3000)
    for size, kept in ((2000, 2000), (5000, 3000)):
        site.replace("/pictures/moon.jpg", b"\xff\xd8\xff".ljust(size, b"x"))
        response = Visitor().fetch(f"{site.url}/pictures/moon.jpg")
        assert (len(response.body), response.cut) == (kept, kept < size)


@pytest.mark.parametrize("path", ["/about.html", "/drip"])
def test_a_slow_answer_is_given_up(site, monkeypatch, path):
    visitor = Visitor()
    visitor.robots(site.url)
    monkeypatch.setattr(fetch, "SECONDS", 0.5)
    if path == "/drip":
        path = "/faults/slow.jpg"
    else:
        site.delay = 3
    with pytest.raises(NotFetched) as caught:
        visitor.fetch(site.url + path)
    assert caught.value.reason == "timeout"


def test_nobody_there():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    with pytest.raises(NotFetched) as caught:
        Visitor().fetch(f"http://127.0.0.1:{port}/")
    assert caught.value.reason == "connection"


@pytest.mark.parametrize(
    "url",
    ["http://", "https:///x", "ftp://a.example/", "http://[::1", "http://a.example:0/", "x" * 9000],
)
def test_what_is_no_address(url):
    with pytest.raises(NotFetched) as caught:
        Visitor().fetch(url)
    assert caught.value.reason == "bad-address"


def test_what_is_no_http_is_not_repeated():
    error = http.client.BadStatusLine("garbage")
    assert fetch._fault(error) == "the response is not HTTP"
