"""Pages as BeautifulSoup reads them: the same elements, images and links, on any markup."""

from __future__ import annotations

import html as markup
from collections.abc import Callable
from pathlib import Path

import captured
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from soup import elements_of, read_by_soup

from crawler.pages.markup import Elements, parsed, text_of
from crawler.pages.reading import read_page

URL = "https://art.example/works/1"
NAMES = (
    *("html", "head", "body", "title", "p", "div", "a", "b", "h1", "li", "ul", "table", "td", "tr"),
    *("img", "picture", "source", "svg", "image", "svg:image", "math", "video", "object", "embed"),
    *("style", "script", "noscript", "template", "iframe", "textarea", "xmp", "plaintext", "form"),
    *("base", "meta", "link", "input", "br", "select", "option", "area", "frameset", "x-y"),
)
ATTRIBUTES = (
    *("href", "src", "srcset", "data-src", "data-srcset", "data-bgset", "data-large_image", "SRC"),
    *("style", "rel", "property", "name", "content", "itemprop", "type", "background", "poster"),
    *("xlink:href", "http-equiv", "as", "imagesrcset", "class", "xmlns", "xmlns:x", "{%", "é"),
)
VALUES = (
    *(
        "a.jpg",
        "b.jpg",
        "/c.webp",
        "//o.example/d.png",
        "?e",
        "#",
        "",
        " f.jpg ",
        "g\0.jpg",
        "é.jpg",
    ),
    *("a.jpg 1x, h.jpg 2x", "i.jpg 10w,j.jpg 20w", "url(k.jpg)", "l&amp;m.jpg", "&#x6e;.jpg", "&o"),
    *("og:image", "refresh", "0; url=/r", "image", "image/webp", "application/ld+json", "text/css"),
    *(
        "next",
        "a  next",
        "preload",
        "image_src",
        "thumbnailUrl",
        "/page/2",
        "javascript:x",
        "data:,",
    ),
)
TEXTS = (
    *(
        "x",
        " ",
        "\n",
        "\r",
        "\0",
        "\ufeff",
        "é",
        "😀",
        "&lt;",
        "&#0;",
        "&#xd800;",
        "<",
        "</",
        ">",
        "<p",
    ),
    *("<!--", "-->", "<!-- c -->", "<!doctype html>", "<?php x ?>", "<![CDATA[x]]>", "</ p>", "'"),
    *('<a href="', "url(s.jpg)", '{"@type": "ImageObject", "contentUrl": "t.jpg"}'),
)
WHOLE = (
    "",
    "\ufeff",
    "\ufeff\ufeff<img src=a.jpg>",
    "work.html",
    "<?xml version='1.0' encoding='utf-16'?><html xmlns='http://www.w3.org/1999/xhtml'><img src=é>",
    "<meta http-equiv=content-type content='text/html; charset=shift_jis'><img src=é.jpg>",
    "<img src=a.jpg src=b.jpg SRC=c.jpg>",
    "<html a=1><body b=2><html c=3><body d=4><img src=a.jpg></html></body><img src=b.jpg>",
    "<p><table><img src=a.jpg><td><a href=b.jpg><p><a href=c.jpg><img src=d.jpg></table></a>",
    "<script type=application/ld+json>{'image': <!-- <script> --></script><img src=a.jpg>",
    "<style>url(a.jpg)</style><style>url(b.jpg)</style><script>c</script><style></style>",
    "<style/><img src=a.jpg><title><img src=b.jpg></title><textarea><img src=c.jpg></textarea>",
    "<iframe srcdoc='<base href=/x/><a href=a.jpg>'><img src=b.jpg></iframe><img src=c.jpg>",
    "<template><img src=a.jpg></template><noscript><img src=b.jpg></noscript>",
    "<img src=a.jpg <img src=b.jpg><a href='c.jpg><img src=d.jpg>",
)


def shape(elements: Elements) -> list[tuple[str, dict[str, str], int | None, str]]:
    """Return elements as values, each with the place of the element around it."""
    places = {element: place for place, element in enumerate(elements)}
    return [
        (e.name, dict(e.attributes), places[e.parent] if e.parent else None, e.text.strip())
        for e in elements
    ]


def agrees(html: str, url: str = URL) -> None:
    assert shape(parsed(html)) == shape(elements_of(html))
    assert read_page(html, url) == read_by_soup(html, url)


@st.composite
def _tags(draw: st.DrawFn) -> str:
    parts = [draw(st.sampled_from(NAMES))]
    for name in draw(st.lists(st.sampled_from(ATTRIBUTES), max_size=4)):
        space, equals = draw(st.sampled_from(["  ", "/", ""])) or " ", draw(st.sampled_from("==  "))
        quote = draw(st.sampled_from(["'", '"', ""]))
        parts.append(f"{space}{name}{equals}{quote}{draw(st.sampled_from(VALUES))}{quote}")
    return f"<{''.join(parts)}{draw(st.sampled_from(['', '', '/', ' /']))}>"


def _framed(pages: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    frames = pages.map(lambda page: f'<iframe srcdoc="{markup.escape(page)}">')
    return _soups(frames)


def _soups(*more: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pieces = st.one_of(
        _tags(),
        _tags(),
        st.sampled_from(NAMES).map("</{}>".format),
        st.sampled_from(TEXTS),
        *more,
    )
    return st.lists(pieces, max_size=20).map("".join)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(_soups(), _framed, max_leaves=4))
def test_any_tag_soup_is_read_as_by_beautiful_soup(html: str) -> None:
    agrees(html)


@given(st.text(alphabet="<>/!-?=\"'& \n\0abipsx\ufeffé", max_size=60))
def test_any_text_is_read_as_by_beautiful_soup(html: str) -> None:
    agrees(html)


@pytest.mark.parametrize("html", WHOLE)
def test_odd_pages_are_read_as_by_beautiful_soup(html: str) -> None:
    agrees(html)


DEMO = sorted(Path("demo/site").rglob("*.html"))
CAPTURED = [page for page in captured.pages(captured.CAPTURES) if captured.kind_of(page) == "html"]


@pytest.mark.parametrize("page", [*DEMO, *CAPTURED], ids=str)
def test_whole_pages_are_read_as_by_beautiful_soup(page: Path) -> None:
    agrees(page.read_text("utf-8"))


@pytest.mark.parametrize(
    "html",
    [
        lambda: "<div>" * 49_000 + "<img src=a.jpg>",
        lambda: "<a href=b.jpg>" * 3_000 + "<img src=a.jpg>",
        lambda: f"<img alt='{'x' * 11_000_000}' src=a.jpg><img src=b.jpg>",
        lambda: f"<style>{'x' * 11_000_000}url(a.jpg)</style><img src=b.jpg>",
        lambda: f"<{'x' * 60_000}><img src=a.jpg>",
        lambda: f"<!--{'x' * 11_000_000}--><img src=a.jpg>",
    ],
    ids=["deep", "links in links", "an attribute", "a style", "a name", "a comment"],
)
def test_what_is_deep_or_long_is_read_as_by_beautiful_soup(html: Callable[[], str]) -> None:
    page = html()
    assert read_page(page, URL) == read_by_soup(page, URL)


def test_half_a_character_is_refused_by_both() -> None:
    for read in (read_page, read_by_soup):
        with pytest.raises(UnicodeEncodeError):
            read("<img src=\ud800.jpg>", URL)


def test_nothing_is_cut_at_the_depth_at_which_libxml2_stops_building_trees() -> None:
    page = "<div>" * 3_000 + "<img src=a.jpg>"
    assert [image.url for image in read_page(page, URL).images] == [f"{URL[:-1]}a.jpg"]


def test_an_attribute_with_braces_is_not_another_attribute() -> None:
    # The one known difference: BeautifulSoup takes `{x}` for the name space of `src`.
    html = "<img {x}src=a.jpg>"
    (img,) = (element for element in parsed(html) if element.name == "img")
    assert dict(img.attributes) == {"{x}src": "a.jpg"}
    assert text_of(img, "src") == ""
    assert text_of(elements_of(html)[-1], "src") == "a.jpg"
