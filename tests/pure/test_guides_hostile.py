"""Sitemaps and feeds of any bytes: nothing raises, limits hold, and what is whole is read."""

from __future__ import annotations

import gzip
import random
import re
import zlib
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr

import pytest
from guides import AT, SITE, atom, entries_of, json_feed, rss, urlset
from hypothesis import example, given
from hypothesis import strategies as st

from crawler.guides import feeds, sitemaps
from crawler.guides.dates import read_date
from crawler.guides.entries import Entry, Guide
from crawler.guides.feeds import read_feed
from crawler.guides.kinds import guide_kind
from crawler.guides.sitemaps import read_sitemap, sitemaps_in
from crawler.guides.text import MOST_BYTES, guide_text, safe_parts
from registry.urls.absolute import MAX_ADDRESS, absolute

MEGABYTES = 10_000_000
A, B = (f"{SITE}/a", None), (f"{SITE}/b", None)


def read(data: bytes) -> list[Guide]:
    """Return the readings of both readers; check what holds of every one."""
    assert guide_kind(data) in {"sitemap", "feed", None}
    guides = [read_sitemap(data, AT), read_feed(data, AT)]
    for guide, most in zip(guides, (sitemaps.MOST_ENTRIES, feeds.MOST_ENTRIES), strict=True):
        assert len(guide.entries) + len(guide.sitemaps) <= most
        assert guide.left >= 0
        for entry in (*guide.entries, *guide.sitemaps):
            assert absolute(AT, entry.url) == entry.url
            assert len(entry.url) <= MAX_ADDRESS
            assert entry.changed_at is None or entry.changed_at.tzinfo is UTC
    return guides


# Any bytes.

ITEM = "<loc>/a</loc><lastmod>2026-11-27</lastmod>"
WHOLE = [
    urlset(ITEM, "<loc>/b</loc>").encode(),
    rss(
        "<link>/a</link><pubDate>Fri, 27 Nov 26 1:00 EST</pubDate>", "<guid>http://b</guid>"
    ).encode(),
    atom('<link xml:base="x" href="/a"/><updated>2026</updated>').encode(),
    json_feed({"url": "/a", "date_modified": "2026"}).encode(),
    f"{SITE}/a\n{SITE}/b".encode(),
]
PIECES = [
    *(b"<urlset>", b"<url>", b"<loc>", b"</loc>", b"</url>", b"<rss>", b"<item>", b"<link>", b"a"),
    *(
        b"<feed",
        b" xml:base='",
        b"<entry>",
        b"href=",
        b"'",
        b'"',
        b">",
        b"/>",
        b"&",
        b"&a;",
        b"<!--",
    ),
    *(b"<![CDATA[", b"]]>", b"<!DOCTYPE a [", b"<!ENTITY a 'b'>", b"]>", b"<?xml", b"?>", b"-->"),
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"xmlns:a='b'", b"<a:b", b"http://", b"2026-11", b"\n"),
    *(b"</item>", b"</entry>", b"<updated>", b"</updated>", b"{", b"[", b" encoding='utf-16'"),
]


@given(st.binary(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join))
@example(b"\x1f\x8b")
@example(b"\xff\xfe<\x00")
@example(b"{" + b"[" * 100_000)
def test_any_bytes_are_read(data):
    read(data)
    read(gzip.compress(data))


@given(st.sampled_from(WHOLE), st.data())
def test_a_mutated_guide_is_read(whole, data):
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    read(whole[:start] + data.draw(st.binary(max_size=8)) + whole[end:])


@pytest.mark.parametrize("whole", WHOLE[:3])
def test_of_a_truncated_guide_whole_entries_are_read(whole):
    complete = entries_of(whole)
    for end in range(len(whole)):
        for guide in read(whole[:end]):
            found = [(entry.url, entry.changed_at) for entry in guide.entries]
            assert found == complete[: len(found)]


@given(st.text(max_size=60) | st.from_regex(r"[0-9T:.+Z-]{4,30}"))
def test_any_text_is_a_date_or_none(text):
    moment = read_date(text)
    assert moment is None or moment.tzinfo is UTC


@given(st.text(st.sampled_from("Sitemap: /\n\r#httpsx."), max_size=200))
def test_any_robots_txt_has_sitemaps(text):
    urls = sitemaps_in(text, f"{SITE}/robots.txt")
    assert len(urls) == len(set(urls)) <= sitemaps.MOST_SITEMAPS
    assert all(absolute(AT, url) == url for url in urls)


# Faults: what is read until there, and after it.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<url><loc>/a</lo></url><url><loc>/b</loc></url>", [A, B]),
        ("<url><loc>/a\x00</loc></url><url><loc>/\x01b</loc></url>", [A, B]),
        ("<url><loc>/a</loc></url><x:y/><url><loc>/b</loc></url>", [A, B]),
        ("<url><loc>/a</loc></url></wrong><url><loc>/b</loc></url>", [A]),
        ("<url><loc>/a</loc></url><url><x y=z><loc>/b</loc></url>", [A]),
    ],
)
def test_a_fault_hides_no_entry_before_it(text, expected):
    found = entries_of(f"\n  <?xml version='1.0'?><urlset>{text}</urlset>")
    assert found[: len(expected)] == expected


TEXTS = ["&", "&amp;", "&#38;", "&l9;", "<![CDATA[", "]]>", "&quot;", "<a>", "x" * 65_526]
LOCATION = "<url><loc>/a?é</loc></url><url><loc>/b</loc></url>"
ACCENTED = (f"{SITE}/a?%C3%A9", None)


@pytest.mark.parametrize(
    ("encoding", "label", "expected"),
    [
        ("utf-8", "utf-8", [ACCENTED, B]),
        ("utf-8", "UTF-16", [ACCENTED, B]),
        ("utf-8", "no-such-encoding", [ACCENTED, B]),
        ("utf-8-sig", "iso-8859-1", [ACCENTED, B]),
        ("utf-16", "utf-16", [ACCENTED, B]),
        ("utf-16", "utf-8", [ACCENTED, B]),
        ("latin-1", "iso-8859-1", [ACCENTED, B]),
        ("latin-1", "utf-7", [B]),
        # A URL that cannot be decoded is not guessed.
        ("latin-1", "utf-8", [B]),
    ],
)
def test_encodings(encoding, label, expected):
    text = f"<?xml version='1.0' encoding='{label}'?><urlset>{LOCATION}</urlset>"
    assert entries_of(text.encode(encoding)) == expected


def test_utf_16_without_a_byte_order_mark():
    assert entries_of(urlset("<loc>/a</loc>", "<loc>/b</loc>").encode("utf-16-le")) == [A, B]


@given(st.lists(st.sampled_from(TEXTS) | st.text(max_size=12), max_size=20).map("".join))
@example("x" * 65_530 + "&amp;&l9;")
@example("x" * 65_535 + "<![CDATA[" + "&" * 70_000 + "]]>&")
def test_cuts_between_parts_change_nothing(text):
    def escaped(match: re.Match[str]) -> str:
        return "&amp;" if match[1] is None else escape(match[1])

    whole = re.sub(
        r"<!\[CDATA\[(.*?)(?:\]\]>|\Z)|&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\dA-F]{1,6});)",
        escaped,
        text,
        flags=re.DOTALL | re.ASCII | re.IGNORECASE,
    )
    assert b"".join(safe_parts(text)).decode() == whole


# Hostile documents. `pytest --durations` shows that each takes at most a few seconds.

ENTITIES = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 12))
PARAMETERS = "".join(f"<!ENTITY % p{n} '{f'&#37;p{n - 1};' * 10}'>" for n in range(1, 12))
DEFAULT = (
    f"<!ENTITY l0 'lol'>{ENTITIES}<!ENTITY % p \"<!ATTLIST loc x CDATA '&#38;l11;'>\">".replace(
        "&l", "&#38;l"
    )
)
NEXT = "<url><loc>/b</loc></url>"


@pytest.mark.parametrize(
    "text",
    [
        f"<!DOCTYPE u [<!ENTITY l0 'lol'>{ENTITIES}]><urlset><url><loc>&l11;</loc></url>{NEXT}",
        f"<!DOCTYPE u [<!ENTITY % p0 ' '>{PARAMETERS} %p11;]><urlset>{NEXT}",
        f"<!DOCTYPE u [<!ENTITY a '{'a' * 100_000}'>]><urlset>{'&a;' * 10_000}{NEXT}",
        f"<!DOCTYPE u [<!ATTLIST x y CDATA '{'a' * 100_000}'>]><urlset>{'<x/>' * 10_000}{NEXT}",
        f"<!DOCTYPE u [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><urlset><url>&a;</url>{NEXT}",
        # References that appear only as the DTD is read, or where a parser sees no CDATA section.
        f"<!DOCTYPE u [{DEFAULT}%p;]><urlset>{'<url><loc>/lo</loc></url>' * 2}",
        f"<!DOCTYPE u [<!ENTITY x '<![CDATA['>{ENTITIES}]><urlset><loc>&l11;</loc>{NEXT}",
        f"<!DOCTYPE u SYSTEM 'http://127.0.0.1:9/x.dtd'><urlset>{NEXT}",
        f"<!DOCTYPE u [<!ENTITY % a SYSTEM 'http://127.0.0.1:9/x'> %a;]><urlset>{NEXT}",
    ],
    ids=[
        "entities",
        "parameters",
        "quadratic",
        "attributes",
        "file",
        "default",
        "cdata",
        "dtd",
        "http",
    ],
)
def test_no_entity_is_expanded(text):
    for guide in read(text.encode()):
        assert "passwd" not in str(guide)
        assert "lol" not in str(guide)
        assert len(guide.entries) <= 2


def filled(piece: str) -> str:
    return piece * (MEGABYTES // len(piece))


@pytest.mark.parametrize(
    "hostile",
    [
        filled("<a>"),
        filled("<a/>"),
        filled("<url>"),
        filled("<url/>"),
        filled("<url><loc>"),
        f"<url><loc>{filled('a')}</loc></url>",
        f"<url><loc>{filled('&')}</loc></url>",
        f"<url><loc>{filled('<![CDATA[')}</loc></url>",
        f"<url><loc>{filled('<![CDATA[]]>')}</loc></url>",
        f"<url><loc>/c</loc>{filled('<loc>/c</loc>')}</url>",
        f"<url x='{filled('a')}'/>",
        f"<url {''.join(f'a{n}={chr(39)}{chr(39)} ' for n in range(MEGABYTES // 12))}/>",
        f"<{filled('a')}/>",
        filled("<url xmlns='a'><loc xml:base='b'/></url>"),
        filled("<!--"),
        filled("<?"),
        filled("<"),
        filled("\x01"),
    ],
    ids=lambda text: text[:24],
)
def test_ten_megabytes(hostile):
    before = "<urlset><url><loc>/a</loc></url>"
    entries = read(f"{before}{hostile}{NEXT}</urlset>".encode())[0].entries
    assert entries[0] == Entry(*A)
    assert len(entries) <= 3


@pytest.mark.parametrize(
    "text",
    [
        filled("a"),
        filled("\n"),
        filled(f"{SITE}/a\n"),
        filled(f"{SITE}/a "),
        filled("http://"),
        "{" + filled("["),
        filled('{"version":'),
        f"<rss xml:base='/{filled('a')}'>" + "<item><link>/a</link></item>" * 1000,
        f"<rss xml:base='/{'a' * 8000}'>" + "<item><link>/a</link></item>" * 2000,
    ],
    ids=lambda text: text[:24],
)
def test_ten_megabytes_in_other_forms(text):
    read(text.encode())


def test_a_bomb_of_gzip_is_bounded():
    # 200 MiB of white space in an element, of which 50 are made.
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(b"<urlset><url><loc>/a</loc></url>")]
    parts += [packer.compress(b" " * (1 << 20)) for _ in range(200)]
    parts += [packer.compress(b"<url><loc>/b</loc></url></urlset>"), packer.flush()]
    bomb = b"".join(parts)
    assert len(bomb) < 1 << 20
    assert entries_of(bomb) == [A]
    assert len(guide_text(bomb)) == MOST_BYTES


def test_gzip_that_ends_early_is_read_to_there():
    # Numbers that do not repeat, so that half the file is half the entries.
    random.seed(16)
    locations = [f"<loc>/{random.getrandbits(256):x}</loc>" for _ in range(1000)]
    whole = gzip.compress(urlset(*locations).encode())
    found, complete = entries_of(whole[: len(whole) // 2]), entries_of(whole)
    assert 300 < len(found) < 700
    assert found == complete[: len(found)]


# Limits.


def test_entries_beyond_the_limit_are_counted(monkeypatch):
    monkeypatch.setattr(sitemaps, "MOST_ENTRIES", 3)
    monkeypatch.setattr(feeds, "MOST_ENTRIES", 3)
    numbers = range(5)
    guides = [
        read_sitemap(urlset("", *(f"<loc>/{n}</loc>" for n in numbers)).encode(), AT),
        read_sitemap("\n".join(f"{SITE}/{n}" for n in numbers).encode(), AT),
        read_feed(rss(*(f"<link>/{n}</link>" for n in numbers)).encode(), AT),
        read_feed(atom(*(f'<link href="/{n}"/>' for n in numbers)).encode(), AT),
        read_feed(json_feed(*({"url": f"/{n}"} for n in numbers)).encode(), AT),
    ]
    first = tuple(Entry(f"{SITE}/{n}") for n in range(3))
    assert guides == [Guide(first, left=2)] * 5
    index = "".join(f"<sitemap><loc>/{n}</loc></sitemap>" for n in numbers)
    data = f"<sitemapindex>{index}</sitemapindex>".encode()
    assert read_sitemap(data, AT) == Guide((), first, 2)


def test_the_limits_of_the_protocols():
    assert (sitemaps.MOST_ENTRIES, feeds.MOST_ENTRIES) == (50_000, 1_000)
    text = urlset(*("<loc>/a</loc>" for _ in range(50_002)))
    guide = read_sitemap(text.encode(), AT)
    assert (len(guide.entries), guide.left) == (50_000, 2)


# What a writer of ours writes is read back.

paths = st.text(st.sampled_from("abcé&<>'\"?=;#%]"), min_size=1, max_size=12).map(lambda t: f"/{t}")
# Minutes, as some formats have no fractions, and years of four digits in all of them.
dates = st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2900, 1, 1)).map(
    lambda moment: moment.replace(
        second=0, microsecond=0, tzinfo=timezone(timedelta(minutes=moment.second * 15 - 450))
    )
)
pages = st.lists(st.tuples(paths, dates), max_size=8)


def written_sitemap(page: tuple[str, datetime | None]) -> str:
    path, date = page
    return f"<loc>{escape(SITE + path)}</loc>" + (
        f"<lastmod>{date.isoformat('T', 'minutes')}</lastmod>" if date else ""
    )


def written_rss(page: tuple[str, datetime | None]) -> str:
    path, date = page
    return f"<link>{escape(SITE + path)}</link>" + (
        f"<pubDate>{format_datetime(date)}</pubDate>" if date else ""
    )


def written_atom(page: tuple[str, datetime | None]) -> str:
    path, date = page
    return f"<link href={quoteattr(SITE + path)}/>" + (
        f"<updated>{date.isoformat()}</updated>" if date else ""
    )


def written_json(page: tuple[str, datetime | None]) -> dict[str, str]:
    path, date = page
    return {"url": SITE + path} | ({"date_modified": date.isoformat()} if date else {})


@given(pages, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.booleans())
def test_what_is_written_is_read(written, encoding, packed):
    documents = {
        "sitemap": urlset(*map(written_sitemap, written)),
        "rss": rss(*map(written_rss, written)),
        "atom": atom(*map(written_atom, written)),
        "json": json_feed(*map(written_json, written)),
    }
    readings = {}
    for name, text in documents.items():
        data = text.encode(encoding)
        readings[name] = entries_of(gzip.compress(data) if packed else data)
    expected = [(absolute(AT, SITE + path), date) for path, date in written]
    for name, reading in readings.items():
        assert reading == expected, name
