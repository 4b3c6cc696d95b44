"""Start tags and excerpts of pages: as the HTML standard has them, whatever the text."""

import gzip
import html
import json
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from exact_markup import exact_tags
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.model import Evidence
from registry.signals import page_excerpt, read
from registry.signals._markup import start_tags

VECTORS = Path(__file__).parent.parent / "vectors"
REAL = Path(__file__).parents[2].parent / "shared/wild/deviantart_page_2024-06-10.html.gz"
REAL_URL = "https://www.deviantart.com/sakimichan/art/Misty-510056679"


@pytest.fixture(scope="module")
def html_pages():
    """Every page of the vectors, and a real one where it is beside the checkout, with its URL."""
    texts = [file.read_text("utf-8") for file in sorted(VECTORS.glob("*.jsonl"))]
    lines = [line for text in texts for line in text.splitlines()]
    vectors = [vector for vector in map(json.loads, lines) if vector["kind"] == "html"]
    pages = [(vector["input"], vector["context"]["page_url"]) for vector in vectors]
    if REAL.is_file():
        pages.append((gzip.decompress(REAL.read_bytes()).decode(), REAL_URL))
    return pages


def metas(page):
    found = [tag for tag in start_tags(page) if tag.name == "meta"]
    return [(tag.attributes.get("content"), tag.in_body) for tag in found]


@pytest.mark.parametrize(
    "page",
    [
        "<!-- <meta content=1> -->",
        "<!-- never closed <meta content=1>",
        "<!DOCTYPE <meta content=1>",
        "<? <meta content=1",
        "<meta content=1",
        "<meta content='1>",
        "<a title='<meta content=1>'>",
        "</a title='<meta content=1>'>",
        "<script><meta content=1></script>",
        "<SCRIPT><meta content=1></ScRiPt >",
        "<script><meta content=1>",
        "<script></scripts><meta content=1></script>",
        "<textarea></p><meta content=1></textarea>",
        "<iframe><meta content=1></iframe>",
        "<plaintext><meta content=1>",
        "<template><template></template><meta content=1></template>",
        "< meta content=1>",
        "<metacontent=1>",
    ],
)
def test_no_tag(page):
    assert metas(page) == []


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<meta content=1>", ("1", False)),
        ("<META/CONTENT='a&amp;b'/>", ("a&b", False)),
        ('<meta content = \n"1>2" content=3>', ("1>2", False)),
        ("<meta content>", ("", False)),
        ("<meta content=>", ("", False)),
        ("<meta content=a/>", ("a/", False)),
        ('<meta content="1"x="2">', ("1", False)),
        ("<meta =content=1 content=2>", ("2", False)),
        ("\ufeff \n<html><head><meta content=1>", ("1", False)),
        ("<!--->-->x<meta content=1>", ("1", True)),
        ("<!-- --!><meta content=1>", ("1", False)),
        ("<!-- a --><?php ?></ b><meta content=1>", ("1", False)),
        ("<title>x</title><noscript><meta content=1>", ("1", False)),
        ("<template>text<p></template><meta content=1>", ("1", False)),
        ("</template><meta content=1>", ("1", False)),
        ("<head></head><meta content=1>", ("1", False)),
        ("<body><meta content=1>", ("1", True)),
        ("<img><meta content=1>", ("1", True)),
        ("1 < 2 <meta content=1>", ("1", True)),
        ("</br><meta content=1>", ("1", True)),
        ("<<meta content=1>", ("1", True)),
        ("<svg><title/><path/></svg><meta content=1>", ("1", True)),
        ("<svg><style />x</svg><meta content=1>", ("1", True)),
        ("<svg></svg><svg><title/></svg><meta content=1>", ("1", True)),
        ("<MATH><script/></MATH><meta content=1>", ("1", True)),
        ("<p><template><svg><title/></svg></template><meta content=1>", ("1", True)),
    ],
)
def test_tag(page, expected):
    assert metas(page) == [expected]


NAMES = st.sampled_from(["name", "content", "data-x", "property"])
VALUES = st.text("abc noai,:;<>&/=#é", max_size=10)
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=3)


def written(attributes):
    return "".join(f' {name}="{value.replace("&", "&amp;")}"' for name, value in attributes.items())


BLOCKS = st.one_of(
    ATTRIBUTES.map(lambda given: f"<meta{written(given)}>"),
    ATTRIBUTES.map(lambda given: f"<p{written(given)}>text</p>"),
    st.just("<!-- <meta name=robots content=noai> -->"),
    st.just("<script>'<meta name=robots content=noai>'</script>"),
    st.just("<title><b></title>"),
    st.just("\n"),
)


@given(st.lists(BLOCKS, max_size=8).map("".join))
@settings(max_examples=200)
def test_attributes_are_those_a_whole_parser_finds(page):
    soup = BeautifulSoup(f"<html><body>{page}</body></html>", "lxml")
    expected = [dict(tag.attrs) for tag in soup.find_all("meta")]
    assert [tag.attributes for tag in start_tags(page) if tag.name == "meta"] == expected


ANY = st.one_of(
    BLOCKS,
    st.sampled_from(
        [
            *("<template>", "</template>", "<body>", "</head>", "text", "<", "<!--", "-->", '"'),
            *("<meta name=robots content=noai>", "<META content='noimageai, x' name=GPTBot>"),
            *('<meta property="robots" content="noai">', "<script>", "</script>", "<link rel=x>"),
            *('<script type="application/ld+json">{"a": "<p>"}</script>', "<base href='/'>"),
            *("<meta name=robots content='noai;noml'>", "<title>", "</title>", "<svg>"),
            *("<iframe srcdoc='<meta name=robots content=noai>'>", "</iframe>"),
            *("<iframe srcdoc='<base href=/x><link rel=license href=l>'></iframe>",),
            *("</svg>", "<math>", "</math>", "<title/>", "<style />", "<script/>", "<textarea/>"),
        ]
    ),
    st.text(max_size=5),
)


def marks(text, url="https://a.example/"):
    reading = read(Evidence("html", "page", url, text=text))
    return reading.signals, reading.warnings


@given(st.lists(ANY, max_size=12).map("".join))
@settings(max_examples=500)
def test_excerpt_reads_as_the_page_does(page):
    excerpt = page_excerpt(page)
    assert marks(excerpt) == marks(page)
    assert page_excerpt(excerpt) == excerpt


def test_excerpt_reads_as_pages_on_file_do(html_pages):
    for page, url in html_pages:
        excerpt = page_excerpt(page, url)
        assert marks(excerpt, url) == marks(page, url)
        assert page_excerpt(excerpt, url) == excerpt


PIECES = st.sampled_from(
    [
        *("<", "</", "<!", "<?", "<!--", "-->", "--!>", "<!-->", "<!--->", "-", ">", "/", '"', "'"),
        *("=", " ", "\n", "\x00", "\ufeff", "a", "text", "license", "&amp;", "<!DOCTYPE html>"),
        *("meta", "link", "script", "style", "title", "template", "textarea", "plaintext", "xmp"),
        *("<meta name=robots content=noai>", "<META ", "<a rel=license href=x>", "<A title='>' "),
        *("<template>", "</template>", "<TEMPLATE ", "<script>", "</script>", "</SCRIPT ", "<i"),
        *("<script type=application/ld+json>", "<script src='>' type='a/XML'>", "&#106;son"),
        *("<script src=a.js>", "__INITIAL_STATE__", "<script "),
        *("<title>", "</title>", "<style>", "</style>", "<iframe>", "</iframe>", "<noscript>"),
        *("<head>", "<body>", "</body>", "</head>", "<br", "<p>", "<div class='x>y'>"),
        *("<iframe srcdoc='", "<IFRAME srcdoc=&lt;meta&gt;>", "<iframe title='>' srcdoc=\""),
        *("<iframe srcdoc='<iframe srcdoc=&quot;<base><meta name=a>&quot;></iframe>'></iframe>",),
        # Letters that lower or fold to those of tags, but not in HTML.
        *("<lin\u212a>", "<\u017fcript>", "</\u017fcript>"),
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(max_examples=2000)
def test_short_cuts_change_nothing(page):
    assert list(start_tags(page)) == exact_tags(page)


def test_short_cuts_change_nothing_in_pages_on_file(html_pages):
    for page, _ in html_pages:
        assert list(start_tags(page)) == exact_tags(page)


INNER = '<meta name=robots content="noai">'


def framed(inner):
    return f'<iframe title=">" srcdoc="{html.escape(inner)}"></iframe>'


@pytest.mark.parametrize(
    ("page", "count"),
    [
        (framed(INNER), 1),
        (f"<!doctype html><body><p>x</p>{framed('<p>' + INNER)}<p>", 1),
        (f"<p>{framed('<base href=/x><head>' + INNER)}" + "<p>x" * 9 + INNER, 2),
        (framed(framed(framed(INNER))), 1),
        (framed(framed(framed(framed(INNER)))), 0),
        (framed(INNER).removesuffix("</iframe>") + INNER, 1),
        (f"<template>{framed(INNER)}</template>", 0),
        (f"<!-- {framed(INNER)} -->", 0),
        (f"<p>{framed(f'<script>`{INNER}`</script>')}", 0),
    ],
)
def test_marks_of_documents_in_frames_are_the_pages(page, count):
    tags = list(start_tags(page))
    assert tags == exact_tags(page)
    assert [tag.text for tag in tags] == [INNER] * count
    assert all(tag.in_body for tag in tags)
    names = {signal.name for signal in marks(page_excerpt(page))[0]}
    assert names == ({"noai(body)"} if count else set())
    assert marks(page_excerpt(page)) == marks(page)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ('<p><a href=/l rel="license">CC</a>', ["a"]),
        ("<p><a itemprop=acquireLicensePage href=/l>buy</a>", ["a"]),
        ("<p><A HREF=/l REL=license>", ["a"]),
        ("<p><a href=/l>our licence</a>", []),
        ("<p><a title='<' rel=license>", []),
        ("<p>license<a href=/x>", []),
        ("<p><a title='>' rel=license>", []),
        ("<template><a rel=license></template>", []),
    ],
)
def test_links_that_say_license(page, expected):
    assert [tag.name for tag in start_tags(page)] == expected


PAGE = """<!DOCTYPE html><html><head><title>A picture</title>
<meta name="robots"  content='noai'><link rel="license" href="/l.xml"/>
<style>p { color: red }</style><script>track()</script>
<script type="application/ld+json">{"license": "https://a.example/l"}</script></head>
<body class="x"><p>All rights reserved.</p><meta name="robots" content="noimageai"></body></html>"""


def test_excerpt_keeps_exact_tags_and_nothing_else():
    assert page_excerpt(PAGE).splitlines() == [
        "<meta name=\"robots\"  content='noai'>",
        '<link rel="license" href="/l.xml"/>',
        '<script type="application/ld+json">{"license": "https://a.example/l"}</script>',
        "<body>",
        '<meta name="robots" content="noimageai">',
    ]
    assert page_excerpt("<html><body><p>nothing here</p></body></html>") == ""


def test_excerpt_prefers_marks_when_room_is_short():
    crowd = "<link rel=preload href=/" + "x" * 100 + ">"
    data = '<script type="application/ld+json">' + "y" * 3000 + "</script>"
    page = data + crowd * 2000 + "<base>" * 2000 + '<meta name="robots" content="noai">'
    excerpt = page_excerpt(page, limit=2000)
    assert len(excerpt) <= 2000
    assert excerpt.endswith('<meta name="robots" content="noai">')
    assert "preload" in excerpt
    assert "ld+json" not in excerpt


def test_excerpt_keeps_marks_behind_a_crowd_of_short_tags():
    crowd = "".join(f'<meta property="og:x{i}" content="{"y" * 60}">' for i in range(2000))
    # Small ones leave no room that a mark would fit into.
    crowd += "<meta a=1>" * 20
    for mark in (
        '<meta name="robots" content="noai">',
        '<meta name="tdm-reservation" content="1">',
        '<link rel="license" type="application/rsl+xml" href="/l.xml">',
    ):
        for page in (f"<head>{crowd}{mark}", f"<head>{crowd}<body>{mark}"):
            assert mark in page_excerpt(page, "https://a.example/"), mark
            assert len(page_excerpt(page, "https://a.example/")) <= 65536


@given(st.lists(ANY, max_size=12).map("".join), st.integers(0, 200))
def test_excerpt_keeps_its_limit(page, limit):
    assert len(page_excerpt(page, limit=limit)) <= limit


def test_hostile_markup_is_read_to_its_end():
    """Each of these takes quadratic time in parsers that look back."""
    for piece in ("<!--", '<a b="', "<script>", "<a " + "b " * 10, "</a ", "<template>", "<"):
        assert metas(piece * 20_000) == []
    crowd = "<meta name=robots content='" + "noai," * 100_000 + "'>"
    signals, warnings = marks(crowd)
    assert [signal.name for signal in signals] == ["noai"]
    assert "read up to there" in warnings[0]
    assert len(marks("<meta name=robots content=noai x={}>" * 3000)[0]) == 1
