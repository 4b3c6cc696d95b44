"""Every place in which a page may name an image that it shows, but for `img` and `picture`."""

from __future__ import annotations

import json

import pytest
from found import find_images, find_links

from crawler.pages.images import MOST_ADDRESSES, MOST_SIZES
from crawler.pages.links import PageLink
from crawler.pages.reading import PageResponse, outline, read_page

PAGE = "https://art.example/works/1"


def ld(value: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


YOAST = {
    "@context": "https://schema.org",
    "@graph": [
        {"@type": "WebPage", "image": {"@id": "/#primary"}, "thumbnailUrl": "/t.jpg"},
        {"@type": "ImageObject", "@id": "/#primary", "url": "/u", "contentUrl": "/c"},
    ],
}
PLACES: dict[str, tuple[str, list[str]]] = {
    "video poster": ("<video poster=/a src=/f.mp4></video>", ["/a"]),
    "image of SVG": ('<svg><image href="/a"/><image xlink:href="/b"/></svg>', ["/a", "/b"]),
    "effect of SVG": ('<svg><filter><feImage href="/a"/></filter></svg>', ["/a"]),
    "object by its type": ("<object data=/a type=image/png></object>", ["/a"]),
    "object by its name": (
        "<object data=/a.svg></object><object data=/b.pdf></object>",
        ["/a.svg"],
    ),
    "embed by its type": ('<embed src=/a type=" IMAGE/webp">', ["/a"]),
    "embed by its name": ("<embed src=/a.png><embed src=/b.swf>", ["/a.png"]),
    "image button": ("<input type=Image src=/a><input type=text src=/b>", ["/a"]),
    "preload": ("<link rel=preload as=image href=/a><link rel=preload as=font href=/b>", ["/a"]),
    "preload of sizes": (
        '<link rel=preload as=image href=/s imagesrcset="/m 2x, /l 3x">',
        ["/l", "/m", "/s"],
    ),
    "background": ("<body background=/a><table><td background=/b>", ["/a", "/b"]),
    "style": ("<p style=\"background: url('/a') , url(/b)\">", ["/a", "/b"]),
    "set of images": (
        "<p style=\"background: image-set('/a' 1x, 'b(1).png' type('image/png') 2x, url(/c) 3x)\">",
        ["/c", "/a", "/works/b(1).png"],
    ),
    "set of images, as browsers had it first": (
        "<style>p{background:-webkit-image-set(url(/a.png) 1x); content: '/b.png'}</style>",
        ["/a.png"],
    ),
    "backgrounds that load late": (
        "<div data-bg=\"url('/a.png')\"></div><div data-background-image=/b.png></div>"
        "<div data-background=/c.png></div><a data-bg=/d.png href=/p>x</a><p data-image=12></p>",
        ["/a.png", "/b.png", "/c.png", "/d.png"],
    ),
    "backgrounds in sizes": (
        '<div data-bgset="/a.png 300w, /b.png 600w [--small] | /c.png [--large] | /d"></div>',
        ["/a.png", "/b.png", "/c.png"],
    ),
    "originals beside no address": (
        "<img src=data:image/gif;base64,R0 data-orig-file=/a><img data-large_image=/b src=''>",
        ["/a", "/b"],
    ),
    "style sheet": (
        "<style>@font-face{src:url(/f.woff2)} p{background-image:url(/a.png)}</style>",
        ["/a.png"],
    ),
    "frame with a document": (
        '<iframe srcdoc="<p><img src=&quot;/a&quot;><img src=b>"></iframe>',
        ["/a", "/works/b"],
    ),
    "document in a document": (
        "<iframe srcdoc=\"<iframe srcdoc='<img src=/a>'></iframe>\"></iframe>",
        ["/a"],
    ),
    "base of a frame": (
        "<iframe srcdoc='<base href=//b.example><img src=/a>'></iframe><img src=/c>",
        ["/a", "/c"],
    ),
    "microdata": (
        "<meta itemprop='name image' content=/a><link itemprop=thumbnailUrl href=/b>"
        "<meta itemprop=contentUrl content=/c.mp4><meta itemprop=contentUrl content=/d.png>",
        ["/a", "/b", "/d.png"],
    ),
    "JSON-LD, an address": (ld({"@type": "VisualArtwork", "image": "/a"}), ["/a"]),
    "JSON-LD, several": (
        ld([{"image": ["/a", {"url": "/b"}]}, {"image": "/c"}]),
        ["/a", "/b", "/c"],
    ),
    "JSON-LD, an image": (ld({"@type": "ImageObject", "contentUrl": "/a", "url": "/page"}), ["/a"]),
    "JSON-LD, an image by its URL": (ld({"@type": ["Thing", "ImageObject"], "url": "/a"}), ["/a"]),
    "JSON-LD, a film": (
        ld({"@type": "VideoObject", "contentUrl": "/f.mp4", "url": "/x", "thumbnailUrl": ["/a"]}),
        ["/a"],
    ),
    "JSON-LD, a graph": (ld(YOAST), ["/t.jpg", "/c"]),
    "JSON-LD, other spellings": (
        ld({"@type": "schema:ImageObject", "https://schema.org/contentUrl": "/a"}),
        ["/a"],
    ),
    "JSON-LD in a comment": (
        '<script type="application/ld+json; charset=x"><!-- {"image": "/a"} --></script>',
        ["/a"],
    ),
    "JSON-LD that is none": (ld("x") + '<script type="application/ld+json">{"image</script>', []),
    "JSON-LD, deep": (ld({}).replace("{}", '{"image":' * 5000), []),
    "a script is no JSON-LD": ('<script type=module>{"image": "/a"}</script>', []),
}


@pytest.mark.parametrize("name", PLACES)
def test_images_are_found_in(name: str) -> None:
    html, expected = PLACES[name]
    found = find_images(html, PAGE)
    urls = [url for image in found for url in (image.url, *image.variants)]
    assert urls == ["https://art.example" + path for path in expected]


LATE = (
    *("data-bg", "data-bgset", "data-lazyload", "data-image", "data-echo", "data-cfsrc"),
    *("data-flickity-lazyload", "data-large_image", "data-splide-lazy", "data-background-image"),
    *("data-hi-res-src", "data-zoom-image", "data-orig-file", "data-full-url", "data-src-retina"),
    *("data-full", "data-href"),
)


@pytest.mark.parametrize("name", LATE)
@pytest.mark.parametrize("src", ["/blank.png", "data:image/gif;base64,R0", ""])
def test_attributes_of_scripts_name_the_images(name: str, src: str) -> None:
    page = f"<img src='{src}' {name}='/a.png'>"
    found = find_images(page, PAGE)
    urls = {url for image in found for url in (image.url, *image.variants)}
    shown = {"https://art.example/blank.png"} if src == "/blank.png" else set()
    assert urls == {"https://art.example/a.png"} | shown
    outlined = {image.url for image in outline(PageResponse(page, PAGE)).content.images}
    assert outlined <= urls


EACH = {
    "late": "<p data-bg=/{}.png>",
    "poster": "<video poster=/{}>",
    "json-ld": ld({"image": "/{}"}),
    "background": "<td background=/{}>",
    "preload": "<link rel=preload as=image href=/{}>",
    "object": "<object data=/{}.png></object>",
    "microdata": "<meta itemprop=image content=/{}>",
}


@pytest.mark.parametrize("name", EACH)
def test_every_place_counts_against_the_bounds(name: str) -> None:
    number = MOST_ADDRESSES + 3
    page = "".join(EACH[name].replace("/{}", f"/{n}") for n in range(number))
    if name == "json-ld":
        page = ld({"image": [f"/{n}" for n in range(number)]})
    content = read_page(page, PAGE)
    assert len(content.images) == MOST_ADDRESSES
    assert content.left["addresses"] == 3


def test_sizes_of_a_preload_are_bounded() -> None:
    sizes = ", ".join(f"/{n} {n + 1}w" for n in range(MOST_SIZES + 5))
    content = read_page(f'<link rel=preload as=image imagesrcset="{sizes}">', PAGE)
    assert content.left["sizes"] == 5


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ("0; url=/next", "/next"),
        ("5;URL='/next' ", "/next"),
        (' 0.5 , url = "/next"x', "/next"),
        ("0;/next", "/next"),
        ("0 /next", "/next"),
        ("0;url=next.html#a", "/works/next.html"),
        ("5", None),
        ("0;", None),
        ("url=/next", None),
        ("0;url=", None),
        ("0;url=''", None),
        ("0;url=/a.jpg", None),
    ],
)
def test_a_page_that_leads_on_by_itself(content: str, path: str | None) -> None:
    quoted = content.replace('"', "&quot;")
    html = f'<meta http-equiv=Refresh content="{quoted}">'
    expected = [] if path is None else [PageLink("https://art.example" + path)]
    assert find_links(html, PAGE) == expected


def test_links_in_a_frame_lead_on_from_the_page() -> None:
    html = "<iframe srcdoc='<a href=/next>'></iframe>"
    assert find_links(html, PAGE) == [PageLink("https://art.example/next")]
