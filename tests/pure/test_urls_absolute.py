"""Plain references are resolved at once; by all the rules the result is the same."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from registry.urls.absolute import _PLAIN_REFERENCE, _PLAIN_URL, _resolved, absolute

BASES = (
    *(
        "https://art.example/works/1",
        "https://art.example",
        "http://127.0.0.1:8000/a//b/c;p?q=/z#f",
    ),
    *("https://H.example:443/%2e%2e/x/", "https://[::1]:8/a/", "https://[x/", "http://a b/"),
    *("", "file:///x", "/rel", "mailto:a"),
)
PIECES = (
    *(
        "a",
        "b.jpg",
        "-",
        "_",
        "~",
        "1",
        "A",
        "/",
        "/",
        "/",
        "//",
        ".",
        "..",
        "%2e",
        "%2E%2e",
        "%20",
    ),
    *("%", ":", "?", "#", "&", "&amp;", ";", "=", "'", "(", "\\", " ", "\t", "\0", "ä", "。", "@"),
    *(
        "|",
        "^",
        "[",
        "]",
        "www.",
        ".example",
        "0x1",
        "127.1",
        "xn--",
        "a" * 63,
        "a" * 64,
        "b." * 127,
    ),
    *(":80", ":443", "HTTP:", "http:", "data:", "x:"),
)
STARTS = ("", "", "/", "https://", "https://art.example/", "http://a/../", "//", "//h/")


@settings(max_examples=1500)
@given(
    st.sampled_from(BASES),
    st.sampled_from(STARTS),
    st.lists(st.sampled_from(PIECES), max_size=9).map("".join),
)
@example("https://art.example/", "https://", "b." * 126 + "xyz/")
@example("http://127.0.0.1:8000/a//b/c", "", "d/e.jpg")
def test_plain_references_follow_all_the_rules(base: str, start: str, text: str) -> None:
    assert absolute(base, start + text) == _resolved(base, start + text)


@pytest.mark.parametrize(
    "href",
    [
        *("https://art.example/a/b-1.jpg?w=1&h=/2", "http://art.example", "https://a_b.example/"),
        *("/wiki/File:Name.jpg", "/a/", "a.jpg", "a/b%20c.jpg?x", "a@2x.png"),
    ],
)
def test_usual_references_are_plain(href: str) -> None:
    assert _PLAIN_URL.fullmatch(href) or _PLAIN_REFERENCE.fullmatch(href)


@pytest.mark.parametrize(
    "href",
    [
        *(
            "",
            "#a",
            "?a",
            "a?",
            "//a.example/",
            "a:b",
            "a/../b",
            "/./a",
            "/a/%2e%2e/b",
            "a//b",
            "a;b",
        ),
        *("https://A.example/", "https://1.2/", "https://a.example:80/", "https://a.example/a#b"),
        *(" a", "a\n", "a\\b", "ä", "https://a.example./", "https://me@a.example/"),
    ],
)
def test_all_rules_are_for_the_others(href: str) -> None:
    assert not _PLAIN_URL.fullmatch(href)
    assert not _PLAIN_REFERENCE.fullmatch(href)
