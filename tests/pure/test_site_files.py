"""Which files a visit asks for besides robots.txt, and what it takes their answers for."""

from datetime import UTC, datetime

import pytest

from crawler.visit.site_files import MAX_LICENCES, SiteFileUrl, SiteFileUrls, refused, site_file
from registry.evidence.responses import Response
from registry.model import Evidence

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PAGE = "https://a.example/art/1.html"
AI_TXT = SiteFileUrl("https://a.example/ai.txt", "ai-txt", "a.example")


def sent(body, content_type):
    return Response(PAGE, (("Content-Type", content_type.decode()),), body, 200)


def pointing(*urls):
    lines = tuple(("Link", f'<{url}>; rel="license"; type="application/rsl+xml"') for url in urls)
    return Evidence("headers", "page", PAGE, lines=lines)


def test_each_file_is_asked_for_once_a_host():
    files = SiteFileUrls()
    found = [(w.kind, w.url) for w in files.about_page(PAGE, ())]
    assert len(found) == len(set(found))
    assert set(found) >= {
        ("ai-txt", "https://a.example/ai.txt"),
        ("ai-txt", "https://a.example/.well-known/ai.txt"),
        ("ai-txt", "https://a.example/.well-known/ai.json"),
        ("tdmrep-json", "https://a.example/.well-known/tdmrep.json"),
        ("trust-txt", "https://a.example/trust.txt"),
        ("trust-txt", "https://a.example/.well-known/trust.txt"),
    }
    assert files.about_page("https://a.example/other.html", ()) == []
    assert files.about_image("https://a.example/1.jpg", ()) == []


def test_of_a_host_that_shows_images_only_its_media_files_are_asked_for():
    wanted = SiteFileUrls().about_image("https://cdn.example:8443/1.jpg", ())
    kinds = {w.kind for w in wanted}
    assert {"tdmrep-json", "ai-txt"} <= kinds
    assert "trust-txt" not in kinds
    assert {w.host for w in wanted} == {"cdn.example:8443"}


def test_licences_that_a_page_or_robots_txt_points_to_speak_for_its_host():
    files = SiteFileUrls()
    text = "License: https://licences.example/one.xml\nUser-agent: *\nAllow: /\n"
    files.robots_txt(Evidence("robots-txt", "site", "https://a.example/robots.txt", text=text))
    evidence = [pointing("/two.xml", "https://licences.example/one.xml")]
    found = [w for w in files.about_page(PAGE, evidence) if w.kind == "rsl-xml"]
    assert [w.url for w in found] == [
        "https://licences.example/one.xml",
        "https://a.example/two.xml",
    ]
    assert {w.host for w in found} == {"a.example"}


def test_a_site_with_a_licence_for_every_page_is_not_followed_for_ever():
    files = SiteFileUrls()
    found = []
    for number in range(3 * MAX_LICENCES):
        found += files.about_page(PAGE, [pointing(f"/{number}.xml")])
    found += files.about_page(PAGE, [pointing("/50.xml")])
    assert len([w for w in found if w.kind == "rsl-xml"]) == MAX_LICENCES
    assert files.licences_left == 2 * MAX_LICENCES


def test_addresses_of_no_web_page_are_not_asked_for():
    for odd in ("javascript:alert(1)", "file:///etc/passwd", "https://[", "data:,x"):
        found = SiteFileUrls().about_page(PAGE, [pointing(odd)])
        assert [w for w in found if w.kind == "rsl-xml"] == []


def test_what_is_read_is_recorded_with_its_text():
    file = site_file(AI_TXT, NOW, sent(b"User-agent: *\nDisallow: /\n", b"text/plain"))
    assert (file.host, file.kind, file.refusal) == ("a.example", "ai-txt", None)
    assert file.evidence == Evidence(
        "ai-txt", "site", AI_TXT.url, text="User-agent: *\nDisallow: /\n"
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<!DOCTYPE html><p>User-agent: *", b"text/plain"),
        (b"\xef\xbb\xbf \n<html lang=en>", b""),
        (b"<p>User-agent: *\nDisallow: /", b"Text/HTML; charset=utf-8"),
        (b"<?xml version='1.0'?><error/>", b"application/xml"),
    ],
)
def test_a_web_page_in_the_files_place_is_a_refusal(body, content_type):
    file = site_file(AI_TXT, NOW, sent(body, content_type))
    assert (file.refusal, file.status, file.evidence) == ("not-ai-txt", 200, None)


def test_what_cannot_be_had_is_recorded_with_the_reason():
    file = refused(AI_TXT, NOW, "http-404", 404)
    assert (file.url, file.refusal, file.status, file.evidence) == (
        AI_TXT.url,
        "http-404",
        404,
        None,
    )


@pytest.mark.parametrize(
    ("kind", "body", "content_type"),
    [
        ("ai-txt", b"User-agent: *\nDisallow: /", b"text/html"),
        ("tdmrep-json", b'[{"location": "/", "tdm-reservation": 1}]', b"text/html"),
        ("rsl-xml", b"<rsl xmlns='https://rslstandard.org/rsl'/>", b"application/xml"),
    ],
)
def test_a_servers_wrong_type_hides_no_file(kind, body, content_type):
    wanted = SiteFileUrl("https://a.example/x", kind, "a.example")
    assert site_file(wanted, NOW, sent(body, content_type)).refusal is None


def test_a_link_in_the_text_of_a_page_speaks_for_no_site():
    html = '<p>see <a rel="license" type="application/rsl+xml" href="https://b.example/l.xml">License</a>'
    found = SiteFileUrls().about_page(PAGE, [Evidence("html", "page", PAGE, text=html)])
    assert [w for w in found if w.kind == "rsl-xml"] == []


def test_a_file_says_its_encoding():
    text = '[{"location": "/", "tdm-reservation": 1}]'
    wanted = SiteFileUrl("https://a.example/x", "tdmrep-json", "a.example")
    file = site_file(wanted, NOW, sent(text.encode("utf-16"), b"application/json"))
    assert file.evidence is not None
    assert file.evidence.text.lstrip("\ufeff") == text


def test_one_document_is_recorded_for_every_host_that_points_to_it():
    files = SiteFileUrls()
    shared = "https://licences.example/l.xml"
    hosts = []
    for host in ("a", "b"):
        page = f"https://{host}.example/1.html"
        lines = (("Link", f'<{shared}>; rel="license"; type="application/rsl+xml"'),)
        found = files.about_page(page, [Evidence("headers", "page", page, lines=lines)])
        hosts += [w.host for w in found if w.kind == "rsl-xml"]
    assert hosts == ["a.example", "b.example"]


def test_what_is_to_be_paid_is_no_document_to_read():
    document = (
        '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license><permits type="usage">'
        "ai-train</permits><payment><standard>https://b.example/pay</standard></payment>"
        "</license></content></rsl>"
    )
    html = f'<script type="application/rsl+xml">{document}</script>'
    found = SiteFileUrls().about_page(PAGE, [Evidence("html", "page", PAGE, text=html)])
    assert [w for w in found if w.kind == "rsl-xml"] == []


def test_markup_that_says_it_is_a_page_is_no_licence():
    wanted = SiteFileUrl("https://a.example/l.xml", "rsl-xml", "a.example")
    assert site_file(wanted, NOW, sent(b"<p>gone</p>", b"text/html")).refusal == "not-rsl-xml"
