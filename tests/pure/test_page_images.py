from __future__ import annotations

import pytest
from found import all_sizes, find_images, find_links
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.pages.images import ImageCandidate, is_image_url
from crawler.pages.srcset import Size
from registry.evidence.carriers import IMAGE_ENDINGS
from registry.urls.absolute import absolute
from registry.urls.key import host_of
from registry.urls.networks import is_private
from registry.urls.sites import site_of

PAGE = "https://art.example/works/1"


def images(html: str) -> list[tuple[str, tuple[str, ...], str]]:
    short = str.removeprefix
    return [
        (
            short(found.url, "https://art.example"),
            tuple(short(url, "https://art.example") for url in found.variants),
            found.source,
        )
        for found in find_images(html, PAGE)
    ]


CASES = {
    "plain": ('<img src="/a.jpg">', [("/a.jpg", (), "img")]),
    "relative, blanks and fragment": (
        '<img src=" b c.png#x ">',
        [("/works/b%20c.png", (), "img")],
    ),
    "first base wins": (
        '<base href="/m/"><base href="/n/"><img src=a.png>',
        [("/m/a.png", (), "img")],
    ),
    "data, blob, script, empty": (
        '<img src="data:image/gif;base64,R0"><img src="blob:x"><img src=""><img>'
        '<img src="javascript:0">',
        [],
    ),
    "broken addresses": ('<img src="http://["><img src="http://a:x/b.png"><img src="//">', []),
    "srcset by width": (
        '<img src=s.jpg srcset="s.jpg 300w, l.jpg 1200w, m.jpg 600w" sizes=100vw>',
        [("/works/l.jpg", ("/works/m.jpg", "/works/s.jpg"), "srcset")],
    ),
    "srcset by density, src is 1x": (
        '<img src=a.jpg srcset="b.jpg 1.5x, c.jpg 2x">',
        [("/works/c.jpg", ("/works/b.jpg", "/works/a.jpg"), "srcset")],
    ),
    "picture, all types, the fallback wins a tie": (
        "<picture><source type=image/avif srcset=a.avif><source type=image/webp srcset=a.webp>"
        "<img src=a.jpg></picture>",
        [("/works/a.jpg", ("/works/a.avif", "/works/a.webp"), "img")],
    ),
    "picture whose fallback is small": (
        "<picture><source type=image/webp srcset=a.webp><source type=image/jpeg srcset=a.jpg>"
        "<img src=thumb.jpg></picture>",
        [("/works/a.jpg", ("/works/thumb.jpg", "/works/a.webp"), "srcset")],
    ),
    "picture with the same widths in two formats": (
        '<picture><source srcset="a.avif 9w, b.avif 5w">'
        '<img src=b.jpg srcset="a.jpg 9w"></picture>',
        [("/works/a.jpg", ("/works/a.avif", "/works/b.avif", "/works/b.jpg"), "srcset")],
    ),
    "picture with widths": (
        '<picture><source srcset="a.webp 400w, b.webp 800w"><img src=a.jpg></picture>',
        [("/works/b.webp", ("/works/a.webp", "/works/a.jpg"), "srcset")],
    ),
    "lazy: the placeholder is an image of its own": (
        '<img src="/blank.gif" data-src="/a.jpg"><img src="/blank.gif" data-original="/b.jpg">',
        [("/blank.gif", (), "img"), ("/a.jpg", (), "lazy"), ("/b.jpg", (), "lazy")],
    ),
    "lazy with srcset and a noscript twin": (
        '<img data-src="/a.jpg" data-srcset="/a.jpg 300w, /b.jpg 900w">'
        '<noscript><img src="/a.jpg"></noscript>',
        [("/b.jpg", ("/a.jpg",), "srcset")],
    ),
    "lazy on another element": ('<li data-src="/a.jpg">', [("/a.jpg", (), "lazy")]),
    "lazy attribute that is no image": ('<div data-src="/video.mp4">', []),
    "data-lazy-src": ('<img data-lazy-src="/a.jpg">', [("/a.jpg", (), "lazy")]),
    "link to the full size": (
        '<a href="/full.jpg"><img src="/thumb.jpg"></a>',
        [("/full.jpg", ("/thumb.jpg",), "link")],
    ),
    "link to the full size beats any width": (
        '<a href="/full.jpg"><img src="/s.jpg" srcset="/m.jpg 4000w"></a>',
        [("/full.jpg", ("/m.jpg", "/s.jpg"), "link")],
    ),
    "link around a lazy image with its twin": (
        '<a href="/full.jpg"><img data-src="/t.jpg"><noscript><img src="/t.jpg"></noscript></a>',
        [("/full.jpg", ("/t.jpg",), "link")],
    ),
    "link around two images pairs with neither": (
        '<a href="/full.jpg"><img src="/a.jpg"><img src="/b.jpg"></a>',
        [("/full.jpg", (), "link"), ("/a.jpg", (), "img"), ("/b.jpg", (), "img")],
    ),
    "link to a page": ('<a href="/work"><img src="/a.jpg"></a>', [("/a.jpg", (), "img")]),
    "MediaWiki file page is no file": (
        '<a href="/wiki/File:A.jpg"><img src="/thumb/a.jpg"></a>'
        '<a href="/wiki/Datei%3AB.png">b</a>',
        [("/thumb/a.jpg", (), "img")],
    ),
    "text link to a file": (
        '<a href="/full.PNG?dl=1">full size</a>',
        [("/full.PNG?dl=1", (), "link")],
    ),
    "og:image repeats a size": (
        '<meta property="og:image" content="/m.jpg">'
        '<img src="/s.jpg" srcset="/m.jpg 600w, /l.jpg 900w">',
        [("/l.jpg", ("/m.jpg", "/s.jpg"), "srcset")],
    ),
    "og:image alone, twitter:image, image_src": (
        '<meta content="/a.jpg" property="OG:Image"><meta name="twitter:image" content="/b.jpg">'
        '<link rel="Image_Src" href="/c.jpg">',
        [("/a.jpg", (), "og:image"), ("/b.jpg", (), "twitter:image"), ("/c.jpg", (), "image_src")],
    ),
    "a blank that two pictures claim is nobody's size": (
        '<picture><source srcset="/a.webp 9w"><img src="/blank.gif"></picture>'
        '<picture><source srcset="/b.webp 9w"><img src="/blank.gif"></picture>',
        [("/a.webp", (), "srcset"), ("/b.webp", (), "srcset"), ("/blank.gif", (), "img")],
    ),
    "og:image that is a size of two pictures": (
        '<meta property="og:image" content="/m.jpg">'
        '<img srcset="/m.jpg 6w, /a.jpg 9w"><img srcset="/m.jpg 6w, /b.jpg 9w">',
        [("/m.jpg", (), "og:image"), ("/a.jpg", (), "srcset"), ("/b.jpg", (), "srcset")],
    ),
    "one picture shown twice": (
        '<img src="/a.jpg"><a href="/a.jpg"><img src="/t.jpg"></a>',
        [("/a.jpg", ("/t.jpg",), "link")],
    ),
    "style": (
        """<div style="background: url('/a.jpg') , url( /b.png )"><p style="color: red">""",
        [("/a.jpg", (), "css"), ("/b.png", (), "css")],
    ),
    "mutual sizes": (
        '<img src="/a.jpg" srcset="/b.jpg 2x"><img src="/b.jpg" srcset="/a.jpg 2x">',
        [("/a.jpg", ("/b.jpg",), "srcset")],
    ),
    "not HTML at all": ("\x00\x01<<<>>&#xFFFFFFFF;\ufffd", []),
}


@pytest.mark.parametrize("name", CASES)
def test_images_of_a_page(name: str) -> None:
    html, expected = CASES[name]
    assert images(html) == expected


SRCSETS: dict[str, list[Size]] = {
    "": [],
    " , ,": [],
    "a.jpg": [Size("a.jpg")],
    "a.jpg, b.jpg 2x": [Size("a.jpg"), Size("b.jpg", density=2.0)],
    # A comma without a blank after it belongs to the address.
    "a.jpg,b.jpg": [Size("a.jpg,b.jpg")],
    "/w_10,h_20/a.jpg 10w, /w_20,h_40/a.jpg 20w": [
        Size("/w_10,h_20/a.jpg", 10),
        Size("/w_20,h_40/a.jpg", 20),
    ],
    "a.jpg,, b.jpg": [Size("a.jpg"), Size("b.jpg")],
    "a 1w,b 2w": [Size("a", 1), Size("b", 2)],
    "a (x, y), b 1x": [Size("b", density=1.0)],
    "a 0w, b -1x, c 1w 2x, d 1.w, e 10q, f 1w 1w, g 5h, h +1w": [],
    "a 5h 10w, b .5x, c 1e1x": [Size("a", 10), Size("b", density=0.5), Size("c", density=10.0)],
    "data:image/png;base64,AA== 1x, b 2x": [
        Size("data:image/png;base64,AA==", density=1.0),
        Size("b", density=2.0),
    ],
    "a\t\n1x\f,\rb": [Size("a", density=1.0), Size("b")],
}


@pytest.mark.parametrize("value", SRCSETS)
def test_srcset(value: str) -> None:
    assert all_sizes(value) == SRCSETS[value]


@given(st.text(alphabet="ab.,() \t12wxh-", max_size=60))
def test_srcset_never_fails_and_leaves_no_space(value: str) -> None:
    for size in all_sizes(value):
        assert size.url
        assert not set(size.url) & set(" \t")
        assert not size.url.endswith(",") or " " in value or "\t" in value


FRAGMENTS = st.sampled_from(
    [
        '<img src="/{0}.jpg">',
        '<img src="/{0}.jpg" srcset="/{1}.jpg 2x">',
        '<a href="/{0}.jpg"><img src="/{1}.jpg"></a>',
        '<picture><source srcset="/{0}.jpg 9w, /{1}.jpg 5w"><img src="/{2}.jpg"></picture>',
        '<img src="/{0}.jpg" data-src="/{1}.jpg">',
        '<meta property="og:image" content="/{0}.jpg">',
    ]
)
NUMBERS = st.tuples(*[st.integers(0, 6)] * 3)


@settings(max_examples=60)
@given(st.lists(st.tuples(FRAGMENTS, NUMBERS), max_size=8))
def test_every_address_is_found_once(parts: list[tuple[str, tuple[int, ...]]]) -> None:
    html = "".join(fragment.format(*numbers) for fragment, numbers in parts)
    found = find_images(html, PAGE)
    flat = [url for image in found for url in (image.url, *image.variants)]
    assert len(flat) == len(set(flat))
    written = {f"https://art.example/{n}.jpg" for n in range(7) if f"/{n}.jpg" in html}
    assert set(flat) == written


@settings(max_examples=60)
@given(st.text(max_size=300))
def test_any_text_is_read(html: str) -> None:
    for image in find_images(f"<p>{html}<img src='{html}'>", PAGE):
        assert image.url.startswith(("http://", "https://"))
        assert "\x00" not in image.url


def test_a_deep_page_is_read() -> None:
    html = "<div>" * 5000 + '<img src="/a.jpg">'
    assert find_images(html + '<img src="/b.jpg">', PAGE) is not None


def test_candidates_are_values() -> None:
    assert ImageCandidate("a") == ImageCandidate("a", (), "img")


@pytest.mark.parametrize(
    ("base", "href", "expected"),
    [
        (PAGE, "//cdn.example/a.jpg", "https://cdn.example/a.jpg"),
        (PAGE, "ä.jpg", "https://art.example/works/%C3%A4.jpg"),
        (PAGE, "a%20b.jpg", "https://art.example/works/a%20b.jpg"),
        (PAGE, "\n a\n.jpg", "https://art.example/works/a.jpg"),
        (PAGE, "mailto:a@b.example", None),
        (PAGE, "http://[::1", None),
        (PAGE, "http://a:99999/", None),
        (PAGE, "file:///etc/passwd", None),
    ],
)
def test_absolute(base: str, href: str, expected: str | None) -> None:
    assert absolute(base, href) == expected


def test_hosts_and_sites() -> None:
    assert host_of("https://ART.example:443/x") == "art.example"
    assert host_of("http://art.example:8080/") == "art.example:8080"
    assert host_of("http://[::1]:80/") == "[::1]"
    assert site_of("cdn.art.co.uk") == "art.co.uk"
    assert site_of("127.0.0.2") == "127.0.0.2"
    assert site_of("localhost") == "localhost"
    assert site_of("alice.github.io") != site_of("bob.github.io")


@pytest.mark.parametrize(
    "hostname", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "localhost", "db", "x.internal"]
)
def test_private_hosts(hostname: str) -> None:
    assert is_private(hostname)


def test_public_hosts() -> None:
    assert not is_private("art.example")
    assert not is_private("93.184.216.34")


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG?x=1", "x/y.webp#z", "a.b.png"])
def test_image_addresses(name: str) -> None:
    assert is_image_url(f"https://art.example/{name}")


@pytest.mark.parametrize("name", ["a", "a.html", ".jpg/", "jpg", "File:a.jpg", "a.jpg/view"])
def test_other_addresses(name: str) -> None:
    assert not is_image_url(f"https://art.example/{name}")


@pytest.mark.parametrize("ending", sorted(IMAGE_ENDINGS))
def test_an_image_of_any_format_is_the_original_and_no_page(ending: str) -> None:
    html = f'<a href="/full{ending}"><img src="/thumb.jpg"></a>'
    assert images(html) == [(f"/full{ending}", ("/thumb.jpg",), "link")]
    assert find_links(html, PAGE) == []


@pytest.mark.parametrize("name", ["avif", "heic", "heif", "jxl", "webp"])
def test_of_equal_sizes_the_copy_in_a_newer_format_is_not_the_original(name: str) -> None:
    html = f"<picture><source srcset=a.{name}><source srcset=b.jpg><img src=t.gif></picture>"
    assert images(html)[0][0] == "/works/b.jpg"
