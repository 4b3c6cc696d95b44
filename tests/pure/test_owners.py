"""The page for site owners: what it takes as a host, who sent a form, and that it is whole."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from crawler.owners import page
from crawler.owners.forms import form_of, is_from_elsewhere, sender_of
from crawler.owners.hosts import (
    MOST_REASON,
    NO_REASON,
    named_host,
    owned_host,
    reason_text,
    refusable_host,
)
from registry.errors import UsageError
from registry.urls.sites import is_public_suffix

ABOUT = page.About(
    "OptoutRegistry", "OptoutRegistry/0.1 (+mailto:a@b.example)", "mailto:a@b.example", 0.5, 10
)
HOSTILE = '"><script>alert(1)</script>&amp;\x1b[31m\u202e'


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("gallery.example", "gallery.example"),
        (" Gallery.EXAMPLE. ", "gallery.example"),
        ("gallery.example:8443", "gallery.example"),
        ("gallery.example/art?page=1#x", "gallery.example"),
        ("https://me:secret@gallery.example:444/a", "gallery.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("https://faß.de/", "xn--fa-hia.de"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("localhost", "localhost"),
        ("127.1", "127.0.0.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]:8080", "2001:db8::1"),
        ("http://[2001:db8::1]/", "2001:db8::1"),
        ("my_art.example", "my_art.example"),
        ("//gallery.example", "gallery.example"),
        ("gallery.example\u202e", "gallery.example"),
    ],
)
def test_a_host_is_named_in_many_ways(text: str, host: str) -> None:
    assert refusable_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", "*.gallery.example", "a b.example", "ftp://gallery.example/", "http://"),
        *(
            "mailto:me@gallery.example",
            "gallery.example:99999",
            "a..example",
            "x" * 64 + ".example",
        ),
        *("https:gallery.example", "<script>", "fe80::1%eth0", "\0.example", "1.2.3.4.5"),
        *("javascript:alert(1)", "me@mail.example"),
    ],
)
def test_other_texts_name_no_host(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        named_host(text)
    assert raised.value.hint
    assert raised.value.message.isprintable()


def test_a_password_is_not_shown() -> None:
    with pytest.raises(UsageError) as raised:
        named_host("https://me:secret@bad host/")
    assert "secret" not in raised.value.message


@pytest.mark.parametrize(
    "name", ["com", "co.uk", "github.io", "foo.ck", "中国", "xn--fiqs8s", "https://co.uk/"]
)
def test_a_public_suffix_is_not_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is a public suffix: every site under it"):
        refusable_host(name)
    named_host(name)  # it can be taken off the list


@pytest.mark.parametrize(
    "name", ["gallery.example", "alice.github.io", "www.ck", "localhost", "1.1.1.1", "::1"]
)
def test_other_names_are_no_public_suffix(name: str) -> None:
    assert not is_public_suffix(name)


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "10.1.2.3", "::1", "intranet", "a.local"]
)
def test_the_page_takes_no_private_host(name: str) -> None:
    assert refusable_host(name) == name
    with pytest.raises(UsageError, match="on the public internet"):
        owned_host(name)


def test_a_reason_is_one_line() -> None:
    assert reason_text(" asked\r\nby \x1b[31m\u202ethe\0 owner\ud800\t") == "asked by [31mthe owner"
    assert reason_text("\n\x07") == NO_REASON
    assert reason_text("é" * MOST_REASON) == "é" * MOST_REASON
    with pytest.raises(UsageError, match="501 characters"):
        reason_text("x" * (MOST_REASON + 1))


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"host=a.example&reason=my+art", ("a.example", "my art")),
        (b"host=b%C3%BCcher.example", ("bücher.example", "")),
        (b"host=", ("", "")),
        (b"reason=x", None),
        (b"", None),
        (b"host=a&host=b", None),
        (b"host=a&reason=&reason=", None),
        (b"&".join(b"x%d=1" % n for n in range(20)), None),
        (b"host=\xff%ff", ("\ufffd\ufffd", "")),
    ],
)
def test_a_form_has_one_host(body: bytes, form: tuple[str, str] | None) -> None:
    assert form_of(body) == form


@pytest.mark.parametrize(
    ("fields", "elsewhere"),
    [
        ({}, False),
        ({"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_ORIGIN": "https://other.example"}, False),
        ({"HTTP_SEC_FETCH_SITE": "none"}, False),
        ({"HTTP_SEC_FETCH_SITE": "cross-site"}, True),
        ({"HTTP_SEC_FETCH_SITE": "same-site"}, True),
        ({"HTTP_ORIGIN": "http://Page.example:8077"}, False),
        ({"HTTP_ORIGIN": "http://other.example"}, True),
        ({"HTTP_ORIGIN": "null"}, True),
        ({"HTTP_ORIGIN": "http://[bad"}, True),
    ],
)
def test_a_form_of_another_site_is_known(fields: dict[str, str], elsewhere: bool) -> None:
    assert is_from_elsewhere({"HTTP_HOST": "page.example:8077"} | fields) is elsewhere


@pytest.mark.parametrize(
    ("address", "forwarded", "sender"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.1, 198.51.100.7", "198.51.100.7"),
        ("192.0.2.1", "198.51.100.7:4711", "198.51.100.7"),
        ("192.0.2.1", "[2001:db8:1:2:3::4]:4711", "2001:db8:1:2::/64"),
        ("192.0.2.1", "x, <script>", "unknown"),
        ("192.0.2.1", "", "192.0.2.1"),
        ("2001:db8:1:2:ffff::1", None, "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", None, "192.0.2.1"),
        ("", None, "unknown"),
    ],
)
def test_the_sender(address: str, forwarded: str | None, sender: str) -> None:
    environ = {"REMOTE_ADDR": address}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    assert sender_of(environ, behind_proxy=forwarded is not None) == sender
    if forwarded:
        assert sender_of(environ, behind_proxy=False) == "192.0.2.1"


class Tags(HTMLParser):
    """The tags of a page, and whether each one that must be closed is."""

    VOID = ("meta", "input", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


PAGES = {
    "front": page.front(ABOUT),
    "fault": page.front(ABOUT, host=HOSTILE, reason=HOSTILE, fault=HOSTILE),
    "refused": page.refused(ABOUT, HOSTILE, is_new=True),
    "known": page.refused(ABOUT, "www.gallery.example", is_new=False),
    "short": page.short(HOSTILE, HOSTILE),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_has_nothing_of_others(name: str) -> None:
    text = PAGES[name]
    tags = Tags(text)
    assert tags.open == []
    names = [tag for tag, _ in tags.all]
    assert names.count("title") == names.count("h1") == names.count("main") == 1
    assert not {"script", "img", "link", "iframe"} & set(names)
    assert all(c.isprintable() or c == "\n" for c in text)
    for _, attributes in tags.all:
        assert not [
            name for name in attributes if name.startswith("on") or name in ("src", "style")
        ]
    labels = [attributes["for"] for tag, attributes in tags.all if tag == "label"]
    assert labels == [attributes["id"] for tag, attributes in tags.all if tag == "input"]


def test_the_front_page_says_how_to_stop_the_crawler() -> None:
    text = PAGES["front"]
    assert "User-agent: OptoutRegistry\nDisallow: /</pre>" in text
    assert ABOUT.user_agent in text
    assert 'href="mailto:a@b.example"' in text
    assert "0.5 seconds" in text
    assert "alert" not in text


def test_a_fault_is_said_and_the_form_stays_filled() -> None:
    tags = Tags(PAGES["fault"]).all
    host = next(attributes for _, attributes in tags if attributes.get("id") == "host")
    assert host["aria-describedby"] == "fault"
    assert (host["value"] or "").startswith('"><script>')
    assert any(attributes.get("role") == "alert" for _, attributes in tags)


def test_the_other_name_of_a_site_is_mentioned() -> None:
    assert "such as <code>gallery.example</code>" in PAGES["known"]
    assert "on the list already" in PAGES["known"]


def test_the_policy_allows_no_script() -> None:
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]+='; form-action 'self'; "
        r"base-uri 'none'; frame-ancestors 'none'",
        page.POLICY,
    )
