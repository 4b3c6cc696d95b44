"""What is read of a page at most, and what is read of one that cannot be parsed."""

from __future__ import annotations

import pytest
from found import all_sizes

from crawler.pages.feeds import MOST_FEEDS
from crawler.pages.images import MOST_ADDRESSES, MOST_SIZES, ImageCandidate
from crawler.pages.links import MOST_LINKS, PageLink
from crawler.pages.markup import MOST_FRAME_TAGS, first_tags
from crawler.pages.reading import (
    MOST_TAGS,
    Page,
    PageContent,
    PageResponse,
    outline,
    parse_page,
    read_text,
)
from crawler.pages.srcset import Size, first_sizes

URL = "https://art.example/works/"
MEGABYTES = 9 << 20


def read(html: str) -> PageContent:
    return read_text(Page(PageResponse(html, URL), parse_page)).content


def filled(piece: str) -> str:
    return piece * (MEGABYTES // len(piece))


def test_a_page_of_people_loses_nothing() -> None:
    content = read('<a href="/b">b</a><img src="a.jpg" srcset="b.jpg 2x">')
    assert content.images == (ImageCandidate(f"{URL}b.jpg", (f"{URL}a.jpg",), "srcset"),)
    assert content.links == (PageLink("https://art.example/b"),)
    assert not content.left


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p>x" * (MOST_TAGS + 3), {"tags": 3}),
        ("".join(f'<img src="/{n}.jpg">' for n in range(MOST_ADDRESSES + 3)), {"addresses": 3}),
        ("".join(f'<a href="/{n}">' for n in range(MOST_LINKS + 3)), {"links": 3}),
        ("".join(f'<a rel=next href="/{n}">' for n in range(MOST_LINKS + 3)), {"links": 3}),
        (f'<img srcset="{", ".join(f"{n}.jpg {n + 1}w" for n in range(300_000))}">', {}),
    ],
)
def test_what_is_left_out_is_counted(html: str, left: dict[str, int]) -> None:
    content = read(html)
    if "srcset" in html:
        left = {"sizes": 300_000 - MOST_SIZES}
    assert left.items() <= dict(content.left).items()


def test_frames_have_bounds_of_their_own() -> None:
    inner = "<p>" * (MOST_FRAME_TAGS + 7) + '<img src="/late.jpg">'
    frames = f"<iframe srcdoc='{inner}'></iframe><iframe srcdoc='<i>'></iframe>" * 2
    content = read('<img src="/a.jpg">' + frames)
    assert [image.url for image in content.images] == ["https://art.example/a.jpg"]
    assert content.left["tags"] == 8 + 1 + MOST_FRAME_TAGS + 8 + 1
    deep = '<img src="/x.jpg">'
    for number in range(9):
        quoted = deep.replace("&", "&amp;").replace('"', "&quot;")
        deep = f'<img src="/{number}.jpg"><iframe srcdoc="{quoted}"></iframe>'
    assert len(read(deep).images) == 4
    many = read("<iframe srcdoc='<b>'></iframe>" * 40_000)
    assert many.left["tags"] > 30_000


def test_a_spider_that_returns_too_much_is_bounded() -> None:
    links = tuple(PageLink(str(number)) for number in range(2 * MOST_LINKS + 5))
    images = tuple(ImageCandidate(str(number)) for number in range(2005))
    page = Page(PageResponse("", URL), lambda response: PageContent(images, links))
    content = read_text(page).content
    assert len(content.links) == 2 * MOST_LINKS
    assert len(content.images) == 2000
    assert content.left == {"links": 5, "images": 5}


def test_tags_are_counted_as_a_parser_sees_them() -> None:
    assert first_tags("<a><b></b></a>1 < 2<c>", 3) == ("<a><b></b></a>1 < 2<c>", 0)
    assert first_tags("<a><b></b><c>text<d>x</d><e>", 3) == ("<a><b></b><c>text", 2)
    code = "<script>a<b; '<i><u><s>'</script>"
    assert first_tags(f"<a>{code}<b>", 3) == (f"<a>{code}<b>", 0)
    assert first_tags(f"<a>{code}<b><c>", 3) == (f"<a>{code}<b>", 1)
    assert first_tags("<a><b><script><c><d><e>", 3) == ("<a><b><script><c><d><e>", 0)
    assert first_tags("<a><STYLE><c></Style ><d><e><f>", 3) == ("<a><STYLE><c></Style ><d>", 2)


@pytest.mark.parametrize(
    "html",
    [
        *("<p>x", "<div>", "<", "<img ", "<!---->", "<script>", "<script></script>", "</p>"),
        *("<a href=x><img src=y>", "<img src=", "<img src='", "<base href=b>", "&amp;"),
        '<img srcset="a 1w,b 2w,c 3w,d 4w,e 5w,f 6w,g 7w,h 8w,i 9w,j 10w,k 11w,l 12w">',
    ],
)
def test_any_page_is_trimmed_and_outlined_in_no_time(html: str) -> None:
    # Anything but linear would take hours.
    page = filled(html)
    first_tags(page, MOST_TAGS)
    assert outline(PageResponse(page, URL)).content.links == ()


def test_an_outline_has_the_marks_and_the_plain_images() -> None:
    found = outline(
        PageResponse(
            '<base href="/b/"><base href="/c/"><meta name="robots" content="noai"><p>text'
            """<img alt="" src="1.jpg"><IMG data-src='2.jpg?a&amp;b'><img src=3.jpg>"""
            "<img href=4.jpg>"
            '<img src=""><img src="data:,"><a src="5.jpg"><img src="1.jpg"><img>',
            URL,
        )
    )
    assert 'content="noai"' in found.excerpt
    names = ["1.jpg", "2.jpg?a&b", "3.jpg"]
    assert [image.url for image in found.content.images] == [
        f"https://art.example/b/{name}" for name in names
    ]


def test_the_first_sizes_of_a_srcset() -> None:
    value = "a 1w, b 2w,c 3w , d"
    assert first_sizes(value, 2) == ([Size("a", 1), Size("b", 2)], 2)
    assert first_sizes(value, 4) == (all_sizes(value), 0)
    assert first_sizes(value, 0) == ([], 4)
    assert first_sizes(" , ", 0) == ([], 0)


@pytest.mark.parametrize("piece", ["a ", "a,", "a q,", "(", "a (b", ",", " ", "a 1w,", "a (,) "])
def test_any_srcset_is_read_in_no_time(piece: str) -> None:
    first_sizes(piece * 500_000, MOST_SIZES)


@pytest.mark.parametrize(
    ("value", "sizes"),
    [
        ("a (1w, b) 2w", []),
        ("a 2w (b, c", []),
        ("a 2w(b, c)", []),
        ("a 1x 2x 3x 4x, b 2x", [Size("b", density=2)]),
        ("a\t2w\n,\fb 3w 4h", [Size("a", 2), Size("b", 3)]),
    ],
)
def test_odd_descriptors(value: str, sizes: list[Size]) -> None:
    assert all_sizes(value) == sizes


def test_json_is_read_by_its_parser_alone() -> None:
    def parse(response: PageResponse) -> PageContent:
        images = tuple(ImageCandidate(item["src"]) for item in response.json()["images"])
        return PageContent(images, (PageLink(response.url + "?page=2"),))

    text = '{"images": [{"src": "https://art.example/a"}], "html": "<img src=/b.png>"}'
    page = Page(PageResponse(text, URL, "json"), parse)
    found = read_text(page)
    assert [image.url for image in found.content.images] == ["https://art.example/a"]
    assert found.excerpt == ""
    assert read_text(Page(page.response, parse_page)).content.images == ()
    assert outline(page.response).content.images == ()


@pytest.mark.parametrize(
    "parse", [lambda response: {}["items"], lambda response: None, lambda one, two: PageContent()]
)
def test_a_parser_that_fails_hides_no_mark(parse) -> None:
    html = '<meta name="robots" content="noai"><img src="/a.jpg">'
    text = read_text(Page(PageResponse(html, URL), parse))
    assert 'content="noai"' in text.excerpt
    assert [image.url for image in text.content.images] == ["https://art.example/a.jpg"]
    assert "Error" in text.error.splitlines()[-1]


def test_a_parser_out_of_memory_is_no_error_of_the_spider() -> None:
    def parse(response: PageResponse) -> PageContent:
        raise MemoryError

    with pytest.raises(MemoryError):
        read_text(Page(PageResponse("", URL), parse))


def feed_link(href: str, media_type: str = "application/rss+xml", more: str = "") -> str:
    return f'<link rel="alternate" type="{media_type}" href="{href}"{more}>'


@pytest.mark.parametrize(
    ("html", "feeds"),
    [
        (feed_link("feed/"), ["works/feed/"]),
        (feed_link("/a", "Application/Atom+XML; charset=utf-8"), ["a"]),
        (feed_link("/a", "application/feed+json"), ["a"]),
        (feed_link("/a", "application/json"), []),
        (feed_link("/a", "text/xml"), []),
        (feed_link("") + feed_link("mailto:a@b") + '<link rel="alternate" href="/a">', []),
        ('<link rel="stylesheet" type="application/rss+xml" href="/a">', []),
        ('<a rel="alternate" type="application/rss+xml" href="/a">', []),
        ('<base href="/x/">' + feed_link("a") + feed_link("/x/a#b"), ["x/a"]),
        (feed_link("/comments/feed/") + feed_link("/feed/"), ["feed/", "comments/feed/"]),
        (
            feed_link("/c", more=' title="Art &raquo; Comments Feed"') + feed_link("/feed/"),
            ["feed/", "c"],
        ),
        ("".join(feed_link(f"/{n}") for n in range(9)), list("01234")),
        (
            feed_link("/comments/feed") + "".join(map(feed_link, "abcde")),
            [f"works/{n}" for n in "abcde"],
        ),
        ("<p>" + feed_link("/a"), ["a"]),
    ],
)
def test_feeds_of_a_page(html: str, feeds: list[str]) -> None:
    assert read(html).feeds == tuple(f"https://art.example/{path}" for path in feeds)


def test_the_feeds_that_a_spider_returns_are_bounded() -> None:
    urls = tuple(f"{URL}{number}" for number in range(9))
    page = Page(PageResponse("", URL), lambda response: PageContent(feeds=urls))
    assert read_text(page).content.feeds == urls[:MOST_FEEDS]
