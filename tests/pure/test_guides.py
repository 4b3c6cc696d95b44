"""Sitemaps and feeds: what is read of each format, and of documents that are broken."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest
from guides import AT, DC, SITE, SITEMAP, atom, entries_of, json_feed, rss, urlset

from crawler.guides.dates import read_date
from crawler.guides.entries import Entry, Guide
from crawler.guides.feeds import read_feed
from crawler.guides.kinds import guide_kind
from crawler.guides.sitemaps import MOST_SITEMAPS, read_sitemap, sitemaps_in

RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)

# The formats.


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (f"<loc>{SITE}/a</loc>", (f"{SITE}/a", None)),
        (
            f"<loc>\n {SITE}/a\t</loc><lastmod> 2026-11-27T13:00+01:00 </lastmod>",
            (f"{SITE}/a", NOON),
        ),
        (f"<lastmod>nonsense</lastmod><loc>{SITE}/a</loc>", (f"{SITE}/a", None)),
        ("<loc>/a?b=1&amp;c=2#d</loc>", (f"{SITE}/a?b=1&c=2", None)),
        ("<loc>b/c</loc>", (f"{AT}b/c", None)),
        ("<loc>https://other.example/x</loc>", ("https://other.example/x", None)),
        (f"<loc><![CDATA[{SITE}/a?b&c]]></loc>", (f"{SITE}/a?b&c", None)),
        (f"<loc>{SITE}/<!-- no -->a</loc>", (f"{SITE}/a", None)),
        (f"<loc>{SITE}/&#97;&#x62;</loc>", (f"{SITE}/ab", None)),
        (f"<loc>{SITE}/é</loc>", (f"{SITE}/%C3%A9", None)),
        # An image's own address is in another namespace.
        (
            '<i:loc xmlns:i="http://www.google.com/schemas/sitemap-image/1.1">/i.jpg</i:loc>'
            '<i:image xmlns:i="http://www.google.com/schemas/sitemap-image/1.1"><i:loc>/j.jpg'
            f"</i:loc></i:image><loc>{SITE}/a</loc>",
            (f"{SITE}/a", None),
        ),
        # Common faults: an ampersand that is not escaped, an unknown entity.
        (f"<loc>{SITE}/?a&b=1&c=2</loc>", (f"{SITE}/?a&b=1&c=2", None)),
        (f"<loc>{SITE}/?a&nbsp;b</loc>", (f"{SITE}/?a&nbsp;b", None)),
    ],
)
def test_an_entry_of_a_sitemap(item, expected):
    assert entries_of(urlset(item)) == [expected]


@pytest.mark.parametrize(
    "item",
    [
        "",
        "<loc/>",
        "<loc>  </loc>",
        "<loc>mailto:a@art.example</loc>",
        "<loc>http://[::1</loc>",
        f"<loc>{SITE}/<b>bold</b></loc>",
        f"<loc>{SITE}/{'x' * 9000}</loc>",
        f"<loc>{SITE}/{'é' * 3000}</loc>",
        "<lastmod>2026-11-27</lastmod>",
        '<x:loc xmlns:x="urn:x">/a</x:loc>',
    ],
)
def test_no_entry_of_a_sitemap(item):
    assert entries_of(urlset(item, f"<loc>{SITE}/next</loc>")) == [(f"{SITE}/next", None)]


def test_a_sitemap_index():
    text = (
        f"<?xml version='1.0' encoding='UTF-8'?><?xml-stylesheet href='x.xsl'?>"
        f"<sitemapindex {SITEMAP}><sitemap><loc>/a.xml.gz</loc><lastmod>2026-11-27T12:00:00Z"
        f"</lastmod></sitemap><sitemap><loc>/b.xml</loc></sitemap></sitemapindex>"
    ).encode()
    assert guide_kind(text) == "sitemap"
    expected = (Entry(f"{SITE}/a.xml.gz", NOON), Entry(f"{SITE}/b.xml", None))
    assert read_sitemap(text, AT) == Guide((), expected)


@pytest.mark.parametrize("namespace", ["", 'xmlns="http://www.google.com/schemas/sitemap/0.84"'])
def test_a_sitemap_of_another_namespace(namespace):
    text = f"<urlset {namespace}><url><loc>/a</loc></url></urlset>"
    assert entries_of(text) == [(f"{SITE}/a", None)]


def test_a_sitemap_with_a_prefix():
    space = SITEMAP.replace("xmlns", "xmlns:s")
    text = f"<s:urlset {space}><s:url><s:loc>/a</s:loc></s:url></s:urlset>"
    assert entries_of(text) == [(f"{SITE}/a", None)]


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n\n"])
def test_a_sitemap_in_plain_text(end):
    text = "\ufeff" + end.join([f"{SITE}/a", "HTTPS://art.example/b", "no url", f"  {SITE}/c"])
    expected = [(f"{SITE}/{name}", None) for name in "abc"]
    assert entries_of(text) == expected
    assert entries_of(gzip.compress(text.encode())) == expected


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("<link>/a</link><pubDate>Fri, 27 Nov 2026 13:00:00 +0100</pubDate>", (f"{SITE}/a", NOON)),
        ("<guid>https://art.example/a</guid>", (f"{SITE}/a", None)),
        ('<guid isPermaLink="true">https://art.example/a</guid>', (f"{SITE}/a", None)),
        (
            '<guid isPermaLink="false">https://art.example/b</guid><link>/a</link>',
            (f"{SITE}/a", None),
        ),
        ("<link/><guid>https://art.example/a</guid>", (f"{SITE}/a", None)),
        ('<atom:link href="/a" rel="alternate"/><guid>17</guid>', (f"{SITE}/a", None)),
        ('<atom:link href="/self" rel="self"/><link>/a</link>', (f"{SITE}/a", None)),
        ('<link>a</link><dc:date xml:base="/x/">2026-11-27T12:00Z</dc:date>', (f"{AT}a", NOON)),
        ('<link xml:base="/x/">a</link>', (f"{SITE}/x/a", None)),
        # The newest date counts.
        (
            "<link>/a</link><pubDate>27 Nov 26 10:00 GMT</pubDate><dc:date>nonsense</dc:date>"
            "<atom:updated>2026-11-27T12:00:00Z</atom:updated><dc:date>2025</dc:date>",
            (f"{SITE}/a", NOON),
        ),
        # Dates of other modules are those of events.
        ('<link>/a</link><e:date xmlns:e="urn:event">2030</e:date>', (f"{SITE}/a", None)),
        ("<title>A &mdash; B</title><link>/a?x&y=1</link>", (f"{SITE}/a?x&y=1", None)),
    ],
)
def test_an_entry_of_rss(item, expected):
    assert entries_of(rss(item)) == [expected]


@pytest.mark.parametrize(
    "item",
    [
        '<guid isPermaLink="false">https://art.example/b</guid>',
        "<guid>tag:art.example,2026:1</guid>",
        "<guid>1234</guid>",
        '<atom:link href="/self" rel="self"/>',
        "<title>no link</title><pubDate>2026</pubDate>",
    ],
)
def test_no_entry_of_rss(item):
    assert entries_of(rss(item, "<link>/next</link>")) == [(f"{SITE}/next", None)]


def test_rss_1():
    text = (
        f'<rdf:RDF {RDF} {DC}><channel rdf:about="{SITE}/"><link>{SITE}/</link><items><rdf:Seq>'
        f'<rdf:li resource="{SITE}/a"/></rdf:Seq></items></channel><item rdf:about="{SITE}/a">'
        f"<link>{SITE}/a</link><dc:date>2026-11-27T13:00:00+01:00</dc:date></item></rdf:RDF>"
    )
    assert entries_of(text) == [(f"{SITE}/a", NOON)]


def test_rss_of_the_last_century():
    text = (
        '<?xml version="1.0"?><!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN"'
        ' "http://my.netscape.com/publish/formats/rss-0.91.dtd"><rss version="0.91"><channel>'
        "<item><link>http://art.example/a</link></item></channel></rss>"
    )
    assert entries_of(text) == [("http://art.example/a", None)]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ('<link href="/a"/><updated>2026-11-27T12:00:00Z</updated>', (f"{SITE}/a", NOON)),
        ('<link rel="self" href="/s"/><link rel="alternate" href="/a"/>', (f"{SITE}/a", None)),
        (
            '<link rel="http://www.iana.org/assignments/relation/alternate" href="/a"/>',
            (f"{SITE}/a", None),
        ),
        (
            '<link rel="alternate" type="application/json" href="/a.json"/>'
            '<link rel="alternate" type="text/html" href="/a"/>',
            (f"{SITE}/a", None),
        ),
        (
            '<published>2026-11-27T12:00:00Z</published><updated>2024</updated><link href="/a"/>',
            (f"{SITE}/a", NOON),
        ),
        ('<link xml:base="/x/" href="a"/>', (f"{SITE}/x/a", None)),
        # The links and dates of the feed that an entry was copied from are not its own.
        (
            '<source><link href="/s"/><updated>2030-01-01</updated></source><link href="/a"/>',
            (f"{SITE}/a", None),
        ),
        (
            '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><a href="/x">x</a>'
            '<updated>2030</updated></div></content><link href="/a"/>',
            (f"{SITE}/a", None),
        ),
    ],
)
def test_an_entry_of_atom(entry, expected):
    assert entries_of(atom(entry)) == [expected]


def test_bases_of_atom_are_joined():
    text = atom('<link href="a"/>', more=' xml:base="/x/"').replace(
        "<entry>", '<entry xml:base="y/">'
    )
    assert entries_of(text) == [(f"{SITE}/x/y/a", None)]


def test_atom_0_3():
    text = (
        '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><link rel="alternate"'
        ' type="text/html" href="/a"/><issued>2025-01-01T00:00:00Z</issued>'
        "<modified>2026-11-27T12:00:00Z</modified></entry></feed>"
    )
    assert entries_of(text) == [(f"{SITE}/a", NOON)]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"url": "/a", "date_published": "2026-11-27T13:00:00+01:00"}, [(f"{SITE}/a", NOON)]),
        ({"id": f"{SITE}/a"}, [(f"{SITE}/a", None)]),
        ({"url": None, "id": 7}, []),
        ({"url": "", "id": "7"}, []),
        ("/a", []),
        (None, []),
        (
            {"url": "/a", "date_published": "2025", "date_modified": "2026-11-27T12:00:00Z"},
            [(f"{SITE}/a", NOON)],
        ),
        ({"url": "/a", "date_modified": 1764244800}, [(f"{SITE}/a", None)]),
    ],
)
def test_an_entry_of_a_json_feed(item, expected):
    assert entries_of(json_feed(item)) == expected
    assert entries_of(json_feed(item).replace("/", "\\/")) == expected


# Dates.


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026", "2026-01-01T00:00"),
        ("2026-11", "2026-11-01T00:00"),
        ("2026-11-27", "2026-11-27T00:00"),
        ("2026-11-27T12:34Z", "2026-11-27T12:34"),
        ("2026-11-27T12:34:56Z", "2026-11-27T12:34:56"),
        ("2026-11-27T12:34:56.5Z", "2026-11-27T12:34:56.500000"),
        ("2026-11-27T12:34:56.123456789Z", "2026-11-27T12:34:56.123456"),
        ("2026-11-27T12:34:56+02:00", "2026-11-27T10:34:56"),
        ("2026-11-27T12:34:56-0330", "2026-11-27T16:04:56"),
        ("2026-11-27T12:34:56", "2026-11-27T12:34:56"),
        ("2026-11-27 12:34:56 UTC", "2026-11-27T12:34:56"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59"),
        ("Fri, 27 Nov 2026 12:34:56 GMT", "2026-11-27T12:34:56"),
        ("27 Nov 2026 12:34 +0100", "2026-11-27T11:34"),
        ("Fri, 27 Nov 26 12:34:56 EST", "2026-11-27T17:34:56"),
        ("Sat, 27 Nov 99 12:34:56 PDT", "1999-11-27T19:34:56"),
        ("Fri, 27 Nov 2026 12:34:56", "2026-11-27T12:34:56"),
        ("Fri, 27 Nov 2026 12:34:56 -0000", "2026-11-27T12:34:56"),
        ("Fri, 27 Nov 2026", "2026-11-27T00:00"),
        ("2999-01-01", "2999-01-01T00:00"),
    ],
)
def test_dates(text, moment):
    assert read_date(f"\n {text} ") == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("", "nonsense", "27", "2026-13", "2026-02-30", "0000-01-01", "2026-11-27T25:00Z"),
        *("2026-11-27T12:00:00+99:00", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"),
        *(
            "\u0662\u0660\u0662\u0666-\u0661\u0661-\u0662\u0667",
            "²",
            "1 ² ³ ⁴",
            "Fri, 99 Nov 2026 12:00:00 GMT",
            "2026" * 100,
        ),
        "Fri, 27 Nov 2026 12:00:00 +999999",
    ],
)
def test_texts_that_are_no_dates(text):
    assert read_date(text) is None


# What is no guide.


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Not found",
        b"User-agent: *\nDisallow: /\n",
        b"<!DOCTYPE html><html><head><title>404</title></head><body><p>https://art.example/a</html>",
        b"<html><body><urlset><url><loc>https://art.example/a</loc></url></urlset></body></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b'{"version": "https://jsonfeed.example/", "items": [{"url": "/a"}]}',
        b'{"items": [{"url": "/a"}]}',
        b"[1]",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"\x1f\x8bnot gzip",
        b"<",
        b"<a",
        b"<!--",
        b"<?xml version='1.0'?>",
    ],
)
def test_what_is_no_guide(data):
    assert guide_kind(data) is None
    assert read_sitemap(data, AT) == read_feed(data, AT) == Guide()


def test_a_feed_is_no_sitemap():
    assert read_sitemap(rss("<link>/a</link>").encode(), AT) == Guide()
    assert read_feed(urlset("<loc>/a</loc>").encode(), AT) == Guide()
    assert read_feed(f"{SITE}/a".encode(), AT) == Guide()


# robots.txt.


def test_sitemaps_of_robots_txt():
    text = (
        "\ufeffSITEMAP: /a.xml # the first\r\nUser-agent: *\rDisallow: /sitemap: /no\n"
        "Sitemap : https://other.example/b.xml\nsitemap:\nSitemap: /a.xml\n# Sitemap: /no\n"
        "Sitemap: ftp://art.example/c.xml\nSitemap /no"
    )
    url = f"{SITE}/robots.txt"
    assert sitemaps_in(text, url) == [f"{SITE}/a.xml", "https://other.example/b.xml"]
    assert sitemaps_in("", url) == []
    many = "\n".join(f"Sitemap: /{number}.xml" for number in range(100))
    assert sitemaps_in(many, url) == [f"{SITE}/{number}.xml" for number in range(MOST_SITEMAPS)]
