"""What is sent for robots.txt and other site files: one table, asked of everybody who reads.

The crawler's middleware, its record of other files, `registry explain`, and archives.
"""

import gzip
import io
from datetime import UTC, datetime

import pytest
from archives import warc_record
from scrapy.http import Response as Fetched

from crawler.manners.responses import response_of
from crawler.manners.robots import _meaning
from crawler.visit.site_files import SiteFileUrl, site_file
from registry.evidence.responses import Response as Saved
from registry.evidence.responses import saved_response
from registry.model import Evidence
from registry.signals import read
from registry.signals._robots_groups import MAX_BYTES
from registry.sources import fetch, robots, warc
from registry.sources.fetch import NotFetched, Visitor
from registry.sources.pieces import PAGE_INSTEAD, site_file_piece
from registry.verdict.site_rules import Robots

URL = "https://a.example/robots.txt"
ART = "https://a.example/art/1.jpg"
TOKEN = "OptoutRegistry"
NOW = datetime(2026, 11, 26, tzinfo=UTC)
RULES = b"User-agent: *\nDisallow: /\n"
PAGE = b"<!DOCTYPE html><html><title>Not found</title></html>"
XHTML = (
    b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x">\n'
    b'<html xmlns="http://www.w3.org/1999/xhtml"></html>'
)
PLAIN, HTML, JSON, BYTES = "text/plain", "text/html; charset=utf-8", "application/json", ""
# Name: body, type, whether the art may be fetched, whether the text is evidence.
BODIES = {
    "rules": (RULES, PLAIN, False, True),
    "open rules": (b"User-agent: *\nAllow: /\n", PLAIN, True, True),
    "empty": (b"", PLAIN, True, True),
    "empty page": (b"", HTML, True, True),
    "space": (b" \r\n", HTML, True, True),
    "a byte order mark": (b"\xef\xbb\xbf" + RULES, PLAIN, False, True),
    "UTF-16": (RULES.decode().encode("utf-16"), PLAIN, False, True),
    "UTF-16 without a mark": (RULES.decode().encode("utf-16-le"), PLAIN, False, True),
    "Latin-1": (b"# d\xe9fense\n" + RULES, PLAIN, False, True),
    "a comment first": (b"# ours\n" + RULES, PLAIN, False, True),
    "a comment alone": (b"# no training", HTML, True, True),
    "a comment of HTML first": (b"<!-- our rules -->\n" + RULES, PLAIN, False, True),
    "a comment of HTML, one rule": (b"<!-- our rules -->\nDisallow: /\n", PLAIN, False, True),
    "the same sent as HTML": (b"<!-- our rules -->\nDisallow: /\n", HTML, False, True),
    "rules sent as HTML": (b"User-agent: *\rDisallow: /", HTML, False, True),
    "rules in a page": (b"<pre>\nuser-agent: *\ndisallow: /</pre>", HTML, False, True),
    "rules behind a tag": (b"<html><pre>User-agent: *\nDisallow: /\n</pre>", HTML, False, True),
    "rules packed": (gzip.compress(RULES), BYTES, False, True),
    "rules packed twice": (gzip.compress(gzip.compress(RULES)), PLAIN, False, True),
    "packed and cut": (gzip.compress(RULES * 99)[:40], PLAIN, False, True),
    "a page": (PAGE, HTML, True, False),
    "a page of no type": (b"\xef\xbb\xbf\n <html>", BYTES, True, False),
    "a page of another type": (PAGE, PLAIN, True, False),
    "a page in capitals": (b"<!DOCTYPE HTML><P>", HTML, True, False),
    "a page behind a comment": (b"<!-- cached -->\n" + PAGE, HTML, True, False),
    "XHTML": (XHTML, "application/xhtml+xml", True, False),
    "a message": (b"Not found", HTML, True, False),
    "a page with styles": (b"<style>\n#a{}\n</style>\n allow: 'x',\n", HTML, True, False),
    "an application": (b"<!doctype html><div id=root></div><script>", HTML, True, False),
    "JSON": (b'{"error": "not found"}', JSON, True, True),
    "prose": (b"Not found", PLAIN, True, True),
    "misspelt": (b"Disalow: /", PLAIN, False, True),
    "a picture": (b"\xff\xd8\xff" + bytes(range(256)) * 9, "image/jpeg", False, False),
    "an archive": (b"PK\x03\x04\x14\x00\x08\x08" + bytes(range(256)) * 9, BYTES, False, False),
    "a binary start, then rules": (b"\x01\x02\x03\x04\n" + RULES, PLAIN, False, True),
}  # fmt: skip


def of_crawler(body, kind):
    answer = _meaning(URL, Fetched(URL, body=body, headers={"Content-Type": kind}))
    return answer.allows(ART, TOKEN), answer.text


def of_explain(body, kind):
    visitor = Visitor()
    visitor._get = lambda url, limit: Saved(url, (("Content-Type", kind),), body[:limit], 200)
    try:
        visitor.fetch(ART)
        may = True
    except NotFetched:
        may = False
    piece = visitor.robots(ART)
    return may, None if piece.refusal else piece.evidence.text


def of_saved_response(body, kind):
    piece = site_file_piece("robots-txt", Saved(URL, (("Content-Type", kind),), body, 200))
    return None, None if piece.refusal else piece.evidence.text


def of_archive(body, kind):
    archive = io.BytesIO(warc_record(URL, body, kind=kind))
    (piece,) = warc.site_files(archive, "a.warc").of(ART)
    return None, None if piece.refusal else piece.evidence.text


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("caller", [of_crawler, of_explain, of_saved_response, of_archive])
def test_everybody_takes_an_answer_for_the_same(name, caller):
    body, kind, may, is_evidence = BODIES[name]
    allowed, text = caller(body, kind)
    assert allowed in {None, may}
    assert (text is not None) == is_evidence


@pytest.mark.parametrize("name", BODIES)
def test_no_mark_that_the_crawler_obeys_is_lost(name):
    body, kind, may, _ = BODIES[name]
    answer = robots.answered(200, body, kind)
    if not may and answer.stay_away is None:
        signals = read(Evidence("robots-txt", "site", URL, text=answer.text)).signals
        assert any(use[1] == "reserved" for s in signals for use in s.uses)


@pytest.mark.parametrize(
    ("status", "refusal", "stay_away"),
    [
        *((status, f"http-{status}", None) for status in (400, 401, 403, 404, 410, 451)),
        *((s, f"http-{s}", "robots-txt-unavailable") for s in (301, 304, 429, 500, 503, 600)),
    ],
)
def test_a_status(status, refusal, stay_away):
    answer = robots.answered(status, RULES)
    assert (answer.refusal, answer.stay_away, answer.text) == (refusal, stay_away, None)
    assert answer.allows(ART, TOKEN) is (stay_away is None)


@pytest.mark.parametrize("reason", ["timeout", "connection", "redirect-loop", "truncated"])
def test_no_answer_closes_the_host(reason):
    answer = robots.failed(reason)
    assert answer.refusal == reason
    assert not answer.allows(ART, TOKEN)


def test_what_broke_off_is_read_and_closes_the_host():
    answer = robots.answered(200, b"User-agent: *\nDisallow: /a\nDisal", broken=True)
    assert answer.text
    assert not answer.allows("https://a.example/b", TOKEN)


LINE = b"Disallow: /filler/of/a/line/" + b"0123456789" * 20 + b"\n"


@pytest.mark.parametrize("filler", [LINE, "# défense\n".encode(), b"#\xff\n"])
def test_rules_are_read_to_five_mebibytes(filler):
    count = (MAX_BYTES - 2000) // (3 * len(filler) if b"\xff" in filler else len(filler))
    body = b"User-agent: *\n" + filler * count + b"Disallow: /late/\n"
    late = "https://a.example/late/1.jpg"
    answer = robots.answered(200, body)
    assert not answer.allows(late, TOKEN)
    assert answer.warnings == ()
    assert not Robots(answer.text).allowed(late, TOKEN)


def test_what_is_longer_is_cut_at_a_line_and_said():
    start = b"User-agent: *\n" + LINE * ((MAX_BYTES - 20) // len(LINE))
    body = start + b"Disallow: /art/which/is/cut/here\n" * 9 + b"Disallow: /\n"
    for answer in (robots.answered(200, body), robots.answered(200, body[: robots.READ_BYTES])):
        assert answer.allows("https://a.example/elsewhere", TOKEN)
        assert answer.warnings == ("robots.txt longer than 5 MiB, read up to there",)
        reading = read(Evidence("robots-txt", "site", URL, text=answer.text))
        assert answer.warnings[0] in reading.warnings


def test_explain_reads_as_much_and_says_so():
    visitor = Visitor()
    body = LINE * (MAX_BYTES // len(LINE) + 1)
    visitor._get = lambda url, limit: Saved(url, (), body[:limit], 200, cut=len(body) > limit)
    assert visitor.robots(ART).is_unread
    assert len(visitor.robots(ART).evidence.text) == robots.READ_BYTES
    assert fetch.SITE_FILE_LIMIT < MAX_BYTES


OTHERS = {
    "ai-txt": "User-agent: *\nDisallow: *.jpg\n",
    "trust-txt": "datatrainingallowed=no\n",
    "tdmrep-json": '[{"location": "/", "tdm-reservation": 1}]',
}
IN_PLACE = {
    "a page": (PAGE, True),
    "a page of no type": (b"\xef\xbb\xbf \n<html lang=en>", True),
    "capitals": (b"<!DOCTYPE HTML><P>", True),
    "XHTML": (XHTML, True),
    "another markup": (b"<?xml version='1.0'?><error/>", True),
    "nothing": (b"", False),
    "JSON": (b'{"error": "not found"}', False),
    "a comment, then the file": (b"<!-- ours -->\n%s", False),
    "the file": (b"%s", False),
    "a mark, then the file": (b"\xef\xbb\xbf%s", False),
}


@pytest.mark.parametrize("name", IN_PLACE)
@pytest.mark.parametrize("carrier", OTHERS)
@pytest.mark.parametrize("kind", [PLAIN, HTML])
def test_a_web_page_in_place_of_another_file(name, carrier, kind):
    body, is_page = IN_PLACE[name]
    body = body.replace(b"%s", OTHERS[carrier].encode())
    wanted = SiteFileUrl(f"https://a.example/{carrier}", carrier, "a.example")
    fetched = Fetched(wanted.url, headers={"Content-Type": kind}, body=body)
    crawled = site_file(wanted, NOW, response_of(fetched))
    assert crawled.refusal == (f"not-{carrier}" if is_page else None)
    response = Saved(wanted.url, (("Content-Type", kind),), body, 200)
    explained = site_file_piece(carrier, response)
    assert explained.refusal == (PAGE_INSTEAD if is_page else "")


@pytest.mark.parametrize("carrier", ["robots-txt", *OTHERS])
def test_a_file_packed_in_an_unknown_way_is_read_by_nobody(carrier):
    url, body = f"https://a.example/{carrier}", b"\x28\xb5\x2f\xfd" + bytes(range(256))
    sent = response_of(Fetched(url, headers={"Content-Encoding": "zstd"}, body=body))
    crawled = site_file(SiteFileUrl(url, carrier, "a.example"), NOW, sent)
    assert (crawled.refusal, crawled.evidence) == ("packed", None)
    assert robots.answer_to(sent).stay_away == robots.UNAVAILABLE
    assert site_file_piece(carrier, sent).is_unread


@pytest.mark.parametrize("carrier", OTHERS)
def test_marks_behind_a_comment_are_read(carrier):
    text = f"<!-- ours -->\n{OTHERS[carrier]}"
    found = read(Evidence(carrier, "site", f"https://a.example/{carrier}", text=text)).signals
    assert any(meaning != "allowed" for s in found for _, meaning in s.uses)


@pytest.mark.parametrize("status", [100, 200, 204, 301, 304, 400, 404, 410, 429, 500, 503, 599])
def test_what_may_hold_marks_by_its_status_is_what_nobody_may_fetch(status):
    piece = site_file_piece("robots-txt", Saved(URL, status=status))
    stays_away = robots.answered(status).stay_away is not None
    assert piece.is_unread == stays_away == robots.is_unavailable(status)


def test_a_saved_robots_txt_that_is_not_whole_is_unread():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"
    assert site_file_piece("robots-txt", saved_response(head + RULES, URL)).is_unread


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("User-agent: *\nCrawl-delay: 5\n", 5),
        ("user-agent: *\ncrawl-delay: 2.5 # please\nDisallow: /x\n", 2.5),
        ("User-agent: OptoutRegistry\nDisallow:\nUser-agent: *\nCrawl-delay: 5\n", None),
        ("User-agent: *\nCrawl-delay: 9\nUser-agent: optoutregistry/1\nCrawl-delay: 3\n", 9),
        ("User-agent: *\nCrawl-delay: 9\nAllow: /\nUser-agent: OptoutRegistry\nCrawl-delay: 3", 3),
        ("User-agent: a\nUser-agent: *\nCrawl-delay: 1\n\nUser-agent: *\nCrawl-delay: 4\n", 4),
        ("Crawl-delay: 7\nUser-agent: *\nDisallow: /x\n", None),
        ("User-agent: *\nCrawl-delay: 100000\n", 100000),
        *((f"User-agent: *\nCrawl-delay: {odd}\n", None) for odd in ("nan", "-1", "x", "", ",")),
        *(
            (f"User-agent: *\nCrawl-delay: {odd}\n", delay)
            for odd, delay in (("2s", 2), ("2 seconds", 2), ("1,5", 1.5), (".5s", 0.5), ("1e9", 1))
        ),
    ],
)
def test_crawl_delay(text, delay):
    assert robots.answered(200, text.encode()).crawl_delay(TOKEN) == delay
