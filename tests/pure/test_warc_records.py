"""Captures as WARC records, read back by the library and by our own reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import http
from warc_files import Record, holds, records_in

from crawler.visit.evidence import captured
from crawler.warc.captures import Capture
from crawler.warc.records import capture_records, info_record
from registry.model import Evidence

AT = datetime(2026, 11, 27, 12, 34, 56, 123456, UTC)
URL = "https://art.example/a/?page=2"
NOAI = ("X-Robots-Tag", "noai")
META = '<meta name="robots" content="noai">'
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    'syntax-ns#"><rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:DataMining'
    '="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"/></rdf:RDF></x:xmpmeta>'
)
AGENT = ("User-Agent", "OptoutRegistry/0.1 (+mailto:me@art.example)")


def ids() -> Callable[[], str]:
    numbers = count()
    return lambda: f"00000000-0000-4000-8000-{next(numbers):012}"


def capture(*evidence: Evidence, **changed: object) -> Capture:
    made = Capture(URL, AT, 200, (NOAI,), (AGENT,), evidence, evidence)
    return replace(made, **changed)  # type: ignore[arg-type]


def written(capture: Capture) -> list[Record]:
    return records_in(b"".join(capture_records(capture, "info", ids())))


def page(text: str = META) -> Evidence:
    return Evidence("html", "page", URL, text=text)


def headers(*lines: tuple[str, str]) -> Evidence:
    return Evidence("headers", "image", URL, lines or (NOAI,))


def test_a_page_is_a_response_with_its_excerpt_and_a_request() -> None:
    lines = (("Content-Type", "text/html"), NOAI, NOAI)
    response, request = written(capture(page(), lines=lines, address="192.0.2.1"))
    assert response.kind == "response"
    assert response.block == (
        b"HTTP/1.1 200 \r\nContent-Type: text/html\r\nX-Robots-Tag: noai\r\n"
        b"X-Robots-Tag: noai\r\n\r\n" + META.encode()
    )
    digest = response.fields.pop("WARC-Block-Digest")
    assert digest.startswith("sha1:")
    assert response.fields == {
        "WARC-Type": "response",
        "WARC-Date": "2026-11-27T12:34:56.123456Z",
        "WARC-Record-ID": "<urn:uuid:00000000-0000-4000-8000-000000000000>",
        "Content-Length": str(len(response.block)),
        "WARC-Target-URI": URL,
        "WARC-Warcinfo-ID": "<urn:uuid:info>",
        "Content-Type": "application/http;msgtype=response",
        "WARC-IP-Address": "192.0.2.1",
        "WARC-Truncated": "unspecified",
    }
    assert request.kind == "request"
    assert request.fields["WARC-Concurrent-To"] == response.fields["WARC-Record-ID"]
    assert request.fields["WARC-Record-ID"] != response.fields["WARC-Record-ID"]
    assert request.fields["WARC-Target-URI"] == URL
    assert request.block == (
        b"GET /a/?page=2 HTTP/1.1\r\nHost: art.example\r\n"
        b"User-Agent: OptoutRegistry/0.1 (+mailto:me@art.example)\r\n\r\n"
    )


def test_a_picture_has_no_body_and_a_record_for_each_text_in_its_file() -> None:
    xmp, c2pa = (Evidence(name, "image", URL, text=name) for name in ("xmp", "c2pa-json"))
    response, request, *parts = written(capture(headers(), xmp, c2pa))
    assert (response.kind, response.body) == ("response", b"")
    assert response.fields["WARC-Truncated"] == "unspecified"
    assert request.kind == "request"
    assert [
        (part.kind, part.fields["Optout-Carrier"], part.fields["Content-Type"], part.block)
        for part in parts
    ] == [
        ("metadata", "xmp", "application/rdf+xml", b"xmp"),
        ("metadata", "c2pa-json", "application/json", b"c2pa-json"),
    ]
    for part in parts:
        assert part.fields["WARC-Refers-To"] == response.fields["WARC-Record-ID"]
        assert part.fields["WARC-Target-URI"] == URL


def test_a_site_file_from_another_url_names_the_one_asked_for() -> None:
    asked = "https://art.example/robots.txt"
    file = Evidence("robots-txt", "site", asked, text="User-agent: GPTBot\nDisallow: /\n")
    (response, _) = records = written(capture(file, is_whole=True))
    assert "WARC-Truncated" not in response.fields
    assert response.fields["Optout-URL"] == asked
    assert holds(records, file)
    (response, _) = written(capture(replace(file, url=URL), is_whole=True))
    assert "Optout-URL" not in response.fields


def test_no_credentials_are_written() -> None:
    names = ("Set-Cookie", "set-cookie2", "COOKIE", "Authorization", "Proxy-Authorization")
    secret = tuple((name, "secret") for name in names)
    for record in written(capture(headers(), lines=secret, sent=(*secret, AGENT))):
        assert b"secret" not in record.block
    url = "https://me:secret@art.example/"
    _, request = written(capture(headers(), url=url))
    assert b"secret" not in request.block
    assert b"Host: art.example\r\n" in request.block


def test_the_first_record_says_who_wrote_the_file() -> None:
    (info,) = records_in(info_record("a.warc.gz", "OptoutRegistry/0.1.0", AGENT[1], AT, "info"))
    assert info.kind == "warcinfo"
    assert info.fields["WARC-Record-ID"] == "<urn:uuid:info>"
    assert info.fields["WARC-Filename"] == "a.warc.gz"
    assert info.fields["Content-Type"] == "application/warc-fields"
    lines = dict(line.split(": ", 1) for line in info.block.decode().splitlines())
    assert lines["robots"] == "obey"
    assert lines["software"] == "OptoutRegistry/0.1.0"
    assert lines["http-header-user-agent"] == AGENT[1]
    assert lines["format"] == "WARC File Format 1.1"


VALUES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs"))).map(str.strip)
TEXTS = st.text(st.characters())  # surrogates, too


@given(st.lists(st.tuples(st.sampled_from(["X-Robots-Tag", "Link"]), VALUES)), TEXTS)
def test_any_evidence_is_read_back(lines: list[tuple[str, str]], text: str) -> None:
    every = (Evidence("headers", "page", URL, tuple(lines)), page(text))
    xmp = Evidence("xmp", "image", URL, text=text)
    records = written(capture(*every, xmp, lines=tuple(lines)))
    assert all(holds(records, evidence) for evidence in (*every, xmp))


def test_a_line_break_in_a_value_makes_no_field() -> None:
    response, _ = written(capture(headers(), lines=(("A", "b\r\nX-Robots-Tag: noai\nC"),)))
    assert response.response.lines == (("A", "b  X-Robots-Tag: noai C"),)


def test_a_url_that_no_field_can_hold_is_spelled_otherwise() -> None:
    odd = replace(headers(), url="https://art.example/\ud800\r\nWARC-Truncated: time")
    response, _ = written(capture(odd, is_whole=True))
    assert response.fields["Optout-URL"] == "https://art.example/? WARC-Truncated: time"
    assert "WARC-Truncated" not in response.fields


def answer(
    body: bytes = b"", status: int = 200, flags: tuple[str, ...] = (), **fields: str
) -> http.Response:
    return http.Response(
        URL,
        status=status,
        headers={name.replace("_", "-"): value for name, value in fields.items()},
        body=body,
        flags=list(flags),
        request=http.Request(URL, headers={"Accept": "*/*"}),
    )


def test_a_response_without_marks_is_not_captured() -> None:
    silent = Evidence("html", "page", URL, text="<title>art</title>")
    assert captured(answer(), [silent, headers(("Server", "a"))], AT) == []
    (made,) = captured(answer(), [silent, headers()], AT)
    assert made.evidence == (silent, headers())
    assert made.marked == (headers(),)


@pytest.mark.parametrize(
    ("response", "evidence", "is_whole"),
    [
        (answer(META.encode()), page(), True),
        (answer(b"<p>" + META.encode()), page(), False),
        (answer(META.encode(), flags=("dataloss",)), page(), False),
        (answer(b"GIF89a"), headers(), False),
        (answer(status=304, X_Robots_Tag="noai"), headers(), True),
    ],
    ids=["all", "excerpt", "truncated", "picture", "304"],
)
def test_a_body_is_whole_if_nothing_of_it_is_left_out(
    response: http.Response, evidence: Evidence, is_whole: bool
) -> None:
    (made,) = captured(response, [evidence], AT)
    assert made.is_whole == is_whole


def test_a_body_that_did_not_arrive_is_not_whole() -> None:
    begun = http.Response(URL, headers={"X-Robots-Tag": "noai"})
    (made,) = captured(begun, [headers()], AT, request=http.Request(URL))
    assert not made.is_whole


def test_of_a_304_only_changed_header_lines_count() -> None:
    unchanged = answer(status=304, X_Robots_Tag="noai", ETag='"2"')
    now = headers(NOAI, ("ETag", '"2"'))
    xmp = Evidence("xmp", "image", URL, text=XMP)
    known = (headers(NOAI, ("ETag", '"1"')), xmp)
    (made,) = captured(unchanged, [now, xmp], AT, known)
    assert (made.status, made.body, made.evidence, made.parts) == (304, b"", (now,), ())
    assert captured(unchanged, [known[0], xmp], AT, known) == []
    (made,) = captured(unchanged, [now, xmp], AT)
    assert made.evidence == (now,)
