"""The images that a page shows, and the URLs that are sizes of the same one. Pure.

An image is identified by the URL of its largest size; the other sizes are its
variants. If an element has a lazy attribute, its `src` is a placeholder and counts as
another image: as a variant it would record the fingerprint of the image for a blank file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from crawler.pages.image_attributes import LAZY_SRC, LAZY_SRCSET, ORIGINAL_SRC, ROLES, as_srcset
from crawler.pages.image_groups import (
    LINKED,
    PLAIN,
    Rank,
    SizeGroup,
    SizeOffer,
    by_size,
    join,
    settle,
)
from crawler.pages.image_places import css_urls, is_preload, references
from crawler.pages.markup import Element, Elements, text_of
from crawler.pages.srcset import Size, first_sizes
from crawler.pages.surroundings import Surroundings
from registry.evidence.carriers import ending_pattern
from registry.urls.absolute import MAX_ADDRESS, absolute

META_IMAGES = (
    "og:image",
    "og:image:url",
    "og:image:secure_url",
    "twitter:image",
    "twitter:image:src",
)
# A colon means a page about a file (MediaWiki's `File:Name.jpg`), not the file.
_IMAGE_NAME = re.compile(
    rf"(?:(?!%3a)[^:])+\.(?:{ending_pattern()})",
    re.IGNORECASE,
)
# Formats of the web that not every browser shows, in media types and in file names.
_NEW = re.compile(rf"\b(?:{ending_pattern('webp', 'bmff', 'jxl')})\b")
_NEW_FORMAT, _IMG, _SOURCE = range(3)
_LAZY = frozenset(ROLES)
# Most images taken from one page, and most sizes of each; usual pages have fewer.
MOST_IMAGES = 2000
MOST_VARIANTS = 50
# Most URLs parsed: of a whole page, and of one `srcset`.
MOST_ADDRESSES = 20_000
MOST_SIZES = 200


@dataclass(frozen=True, slots=True)
class ImageCandidate:
    """An image a page shows.

    `url` is the URL to fetch, `variants` its other sizes, largest first.
    `source` names where the page has `url`: `link`, `original`, `srcset`, `lazy`, `img`,
    `css`, `image_src`, `preload`, one of `crawler.pages.image_places` (`poster`, `svg`,
    `json-ld`, ...), or the name of the meta element.
    """

    url: str
    variants: tuple[str, ...] = ()
    source: str = "img"


@dataclass(slots=True)
class _Page:
    """The base URL of a page, how many more URLs may be parsed, and the counts of skipped ones."""

    base: str
    budget: int = MOST_ADDRESSES
    left: Counter[str] = field(default_factory=Counter)

    def takes(self) -> bool:
        """Return whether the budget allows one more URL, and count it as parsed or skipped."""
        if not self.budget:
            self.left["addresses"] += 1
            return False
        self.budget -= 1
        return True


def images_in(
    elements: Elements, page_url: str, left: Counter[str] | None = None
) -> list[ImageCandidate]:
    """Return the images of a parsed page in page order; no URL is in two candidates.

    URLs beyond MOST_ADDRESSES and sizes beyond MOST_SIZES are counted in `left`, as
    `addresses` and `sizes`.
    """
    page = _Page(base_url(elements, page_url))
    groups = settle([group for group in _groups(elements, page) if group])
    if left is not None:
        left.update(page.left)
    return [_candidate(group) for group in groups]


def bounded(images: Sequence[ImageCandidate]) -> tuple[tuple[ImageCandidate, ...], Counter[str]]:
    """Return at most MOST_IMAGES images with at most MOST_VARIANTS variants each.

    Also return how many `images` and `variants` (of the returned images) were left out.
    """
    kept = [replace(image, variants=image.variants[:MOST_VARIANTS]) for image in images]
    lost = sum(max(0, len(image.variants) - MOST_VARIANTS) for image in images[:MOST_IMAGES])
    left = Counter(images=max(0, len(images) - MOST_IMAGES), variants=lost)
    return tuple(kept[:MOST_IMAGES]), +left


def base_url(elements: Elements, page_url: str) -> str:
    """Return the base of a page's relative URLs: its first `<base href>`, else its own URL.

    A `base` longer than MAX_ADDRESS is ignored.
    """
    tag = next((e for e in elements if e.name == "base" and "href" in e.attributes), None)
    base = absolute(page_url, text_of(tag, "href")) if tag is not None else None
    return base if base and len(base) <= MAX_ADDRESS else page_url


def is_image_url(url: str) -> bool:
    """Return whether the path of a URL names an image file."""
    return _IMAGE_NAME.fullmatch(file_name(url)) is not None


def file_name(url: str) -> str:
    """Return the last part of the path of an absolute URL, "" if it ends in `/` or has none."""
    path = _path(url)
    has_path = path.find("/", path.find("://") + 3) >= 0
    return path.rpartition("/")[2] if has_path else ""


def _path(url: str) -> str:
    """Return a URL up to the end of its path."""
    return url.partition("#")[0].partition("?")[0]


def _candidate(group: SizeGroup) -> ImageCandidate:
    best, *others = by_size(group)
    return ImageCandidate(best.url, tuple(offer.url for offer in others), best.source)


def _groups(elements: Elements, page: _Page) -> Iterator[SizeGroup]:
    surroundings = Surroundings(elements)
    for tag in elements:
        if tag.name == "img":
            yield from _image_groups(tag, page, surroundings)
        elif tag.name in ("meta", "link"):
            yield join(_head_offers(tag, page))
        elif tag.name == "a":
            yield join(_link_offers(tag, page))
        if not _LAZY.isdisjoint(tag.attributes):
            yield from ({offer.url: offer} for offer in _lazy_offers(tag, page))
        for reference in references(tag):
            resolve = _resolved if reference.is_sure else _resolved_files
            yield join(resolve(page, reference.url, PLAIN, reference.source))
        if "style" in tag.attributes:
            yield from ({offer.url: offer} for offer in _style_offers(tag, page))


def _image_groups(img: Element, page: _Page, surroundings: Surroundings) -> Iterator[SizeGroup]:
    """Yield the image of an `img` element, and its placeholder if it has one."""
    tags = [img, *surroundings.sources(img)]
    shown = join(_offers(tags, page, ("src",), ("srcset",), "img"))
    lazy = join(_offers(tags, page, LAZY_SRC, LAZY_SRCSET, "lazy"))
    if lazy:
        for url in shown.keys() - lazy.keys():
            yield {url: shown[url]}
        shown = lazy
    yield join([*_originals(img, page, surroundings, bool(shown)), *shown.values()])


def _originals(
    img: Element, page: _Page, surroundings: Surroundings, is_shown: bool
) -> Iterator[SizeOffer]:
    """Yield the originals of an image: the link around it if it is shown, and attributes."""
    link = surroundings.link(img) if is_shown else None
    if link is not None:
        yield from _link_offers(link, page)
    for name in ORIGINAL_SRC:
        if name in img.attributes:
            yield from _resolved(page, img.attributes[name], LINKED, "original")


def _offers(
    tags: list[Element],
    page: _Page,
    src_names: Iterable[str],
    srcset_names: Iterable[str],
    source: str,
) -> Iterator[SizeOffer]:
    """Yield the absolute URLs in these attributes of an image's elements."""
    for tag in tags:
        if tag.name == "img":
            for name in src_names:
                if name in tag.attributes:
                    yield from _resolved(page, tag.attributes[name], (1, 1.0, _IMG), source)
        for name in srcset_names:
            if name in tag.attributes:
                yield from _sizes(tag, name, page, "srcset")


def _sizes(tag: Element, name: str, page: _Page, source: str) -> Iterator[SizeOffer]:
    for size in _sizes_of(tag, name, page):
        yield from _resolved(page, size.url, _rank(tag, size), source)


def _sizes_of(tag: Element, name: str, page: _Page) -> list[Size]:
    # When the budget is spent, sizes are only counted.
    most = MOST_SIZES if page.budget else 0
    sizes, left = first_sizes(as_srcset(name, text_of(tag, name)), most)
    page.left["sizes"] += left
    return sizes


def _rank(tag: Element, size: Size) -> Rank:
    """Return a size's rank. Of equal sizes, old formats rank first: new ones are copies.

    A `source` ranks before the `img`, which may be a small fallback.
    """
    equals = _IMG
    if tag.name == "source":
        named = f"{text_of(tag, 'type')} {urlsplit(size.url).path}".lower()
        equals = _NEW_FORMAT if _NEW.search(named) else _SOURCE
    if size.width:
        return (2, float(size.width), equals)
    return (1, 1.0 if size.density is None else size.density, equals)


def _link_offers(tag: Element, page: _Page) -> Iterator[SizeOffer]:
    return _resolved_files(page, text_of(tag, "href"), LINKED, "link")


def _head_offers(tag: Element, page: _Page) -> Iterator[SizeOffer]:
    name = (text_of(tag, "property") or text_of(tag, "name")).strip().lower()
    if tag.name == "meta" and name in META_IMAGES:
        yield from _resolved(page, text_of(tag, "content"), PLAIN, name)
    if tag.name == "link" and "image_src" in text_of(tag, "rel").lower().split():
        yield from _resolved(page, text_of(tag, "href"), PLAIN, "image_src")
    if tag.name == "link" and is_preload(tag):
        yield from _resolved(page, text_of(tag, "href"), PLAIN, "preload")
        yield from _sizes(tag, "imagesrcset", page, "preload")


def _lazy_offers(tag: Element, page: _Page) -> Iterator[SizeOffer]:
    """Yield the image files in attributes of an element, except those that an `img` shows."""
    if tag.name in ("source", "meta", "link"):
        return
    for name in tag.attributes:
        role = ROLES.get(name)
        if role is None or (tag.name == "img" and role != "file"):
            continue
        if role == "sizes":
            urls = [size.url for size in _sizes_of(tag, name, page)]
        else:
            value = text_of(tag, name)
            urls = list(css_urls(value)) or [value]
        for url in urls:
            yield from _resolved_files(page, url, PLAIN, "lazy")


def _style_offers(tag: Element, page: _Page) -> Iterator[SizeOffer]:
    for url in css_urls(text_of(tag, "style")):
        yield from _resolved(page, url, PLAIN, "css")


def _resolved(page: _Page, href: str, rank: Rank, source: str) -> Iterator[SizeOffer]:
    if href.strip() and page.takes():
        yield from _offer(page, href, rank, source)


def _resolved_files(page: _Page, href: str, rank: Rank, source: str) -> Iterator[SizeOffer]:
    """Yield the offer of a URL if it names an image file."""
    if not page.budget:
        # Only counted.
        name = _path(href.strip()).rpartition("/")[2]
        page.left["addresses"] += _IMAGE_NAME.fullmatch(name) is not None
        return
    for offer in _offer(page, href, rank, source):
        if is_image_url(offer.url) and page.takes():
            yield offer


def _offer(page: _Page, href: str, rank: Rank, source: str) -> Iterator[SizeOffer]:
    url = absolute(page.base, href) if href.strip() else None
    # Empty references (`#`, `?`) resolve to the page itself, which is not an image.
    if url is not None and url != page.base:
        yield SizeOffer(url, rank, source)
