"""What a body is, by its type and its first bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.http import Response as Fetched

from crawler.manners.responses import response_of
from registry.evidence.body_kinds import kind_of_body, media_type
from registry.evidence.responses import Response
from registry.signals import carriers
from registry.sources.kinds import kind_of, page_kind

HTML = b"<!doctype html><p>x"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ([], ""),
        ([""], ""),
        (["html"], ""),
        (["/"], ""),
        (["text/"], ""),
        (["; charset=utf-8"], ""),
        (["text/html junk"], ""),
        (["*/*"], ""),
        (["Text/HTML; charset=x"], "text/html"),
        ([" text/html ;"], "text/html"),
        (["text/html, text/plain"], "text/plain"),
        (['text/html;a=",", nonsense'], "text/html"),
        (["text/plain", "text/html", "*/*"], "text/html"),
        (["text/html" + "x" * 5000], ""),
    ],
)
def test_media_types(fields: list[str], told: str) -> None:
    assert media_type(fields) == told


@pytest.mark.parametrize(
    ("told", "body", "kind"),
    [
        ("", HTML, "html"),
        ("", b"\xef\xbb\xbf \n<HTML>", "html"),
        ("", "<html>".encode("utf-16"), "html"),
        ("", b"<h1>x", "html"),
        ("", b"<!-- x -->words", "html"),
        ("", b"<!-- x --><center>words", "html"),
        ("", b"<!-- x --><svg>", "headers"),
        ("", b"<!-- x --><x:xmpmeta>", "headers"),
        ("", b"words <p>", "headers"),
        ("", b"", "headers"),
        ("", b"\xff\xd8\xff", "image"),
        ("application/octet-stream", HTML, "html"),
        ("application/octet-stream", b"PK\x03\x04", "headers"),
        ("unknown/unknown", HTML, "html"),
        ("text/plain", HTML, "headers"),
        ("application/json", HTML, "headers"),
        ("application/xml", b"<?xml version='1.0'?><html xmlns='x'>", "html"),
        ("application/xml", b"<?xml version='1.0'?><title>x</title>", "headers"),
        ("text/html", b"", "html"),
        ("text/html", b"words", "html"),
        ("text/html", b"<!doctype html><script type=application/rsl+xml><rsl></rsl>", "html"),
        ("text/html", b"<rsl></rsl>", "rsl-xml"),
        ("image/jpeg", HTML, "html"),
        ("image/jpeg", b"words", "image"),
    ],
)
def test_kinds(told: str, body: bytes, kind: str) -> None:
    assert kind_of_body(told, body, carriers()) == kind


TYPES = st.one_of(
    st.none(),
    st.text(st.characters(min_codepoint=32, max_codepoint=126)),
    st.sampled_from(
        [
            *("text/html", "TEXT/HTML; charset=utf-8", "text/plain", "application/octet-stream"),
            *("application/xml", "application/xhtml+xml", "image/png", "html", "a/b, text/html"),
        ]
    ),
)
BODIES = st.one_of(
    st.binary(min_size=1),
    st.lists(
        st.sampled_from(
            [
                *(b"<!doctype html>", b"<html>", b"<!--", b"-->", b"<p>", b"<svg>", b"<rsl>"),
                *(b"<?xml version='1.0'?>", b"\xef\xbb\xbf", b"\xff\xd8\xff", b"words", b" "),
            ]
        ),
        min_size=1,
    ).map(b"".join),
)


@given(TYPES, BODIES)
def test_the_crawler_and_explain_agree(told: str | None, body: bytes) -> None:
    fields = () if told is None else (("Content-Type", told),)
    fetched = Fetched("https://a.example/", headers=dict(fields), body=body)
    explained = kind_of(Response("https://a.example/", fields, body))
    assert (page_kind(response_of(fetched)) == "html") == (explained == "html")
