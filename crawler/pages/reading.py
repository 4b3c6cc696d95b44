"""One page in a worker process: its text in, what a visit needs of it out. Pure.

The number of its tags is bounded before it is parsed, that of its links, images
and sizes while they are collected; what is left out is counted. A page that cannot
be read all the same is outlined: its marks, and the images that it plainly names.
"""

from __future__ import annotations

import html as markup
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from crawler.pages.image_attributes import LAZY_SRC, ORIGINAL_SRC
from crawler.pages.images import MOST_ADDRESSES, ImageCandidate, bounded, images_in
from crawler.pages.links import MOST_LINKS, PageLink, links_in
from crawler.pages.markup import first_tags, parsed
from registry.signals import page_excerpt
from registry.urls.absolute import absolute

# Most tags read of one page, from its start; pages of people have fewer than a tenth.
MOST_TAGS = 50_000
TOO_COMPLEX = "page-too-complex"

# Nothing here is tried twice, so that the time is linear in the text.
_PLAIN_TAG = re.compile(r"<(?:(img)|base)(?=[\t\n\f\r /])[^<>]*+>", re.IGNORECASE)
_PLAIN_ADDRESS = re.compile(
    rf"[\t\n\f\r \"'/](src|href|{'|'.join((*LAZY_SRC, *ORIGINAL_SRC))})[\t\n\f\r ]*+="
    r"[\t\n\f\r ]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r \"'>]++))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PageContent:
    """The images and links of a page; `left` counts what was left out, by kind."""

    images: tuple[ImageCandidate, ...] = ()
    links: tuple[PageLink, ...] = ()
    left: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class PageText:
    """What a page's text said: the excerpt that is evidence, and its content."""

    excerpt: str
    content: PageContent


class PageResponse(NamedTuple):
    """What a site sent for a page: its text, its address, and `html` or `json`."""

    text: str
    url: str
    kind: str = "html"

    def json(self) -> Any:
        """Return the decoded text. Raises ValueError for what is no JSON."""
        return json.loads(self.text)


PageParser = Callable[[PageResponse], PageContent]


class Page(NamedTuple):
    """A page to read, and the function that finds its content."""

    response: PageResponse
    parse: PageParser


def parse_page(response: PageResponse) -> PageContent:
    """Return the images and the links of a page, as most sites write them; none of JSON."""
    return read_page(response.text, response.url) if response.kind == "html" else PageContent()


def read_page(html: str, url: str) -> PageContent:
    """Return the images and the links in HTML."""
    left: Counter[str] = Counter()
    soup = parsed(html, left)
    images = tuple(images_in(soup, url, left))
    return PageContent(images, tuple(links_in(soup, url, left)), left)


def read_text(page: Page) -> PageText:
    """Return what a page says, within bounds."""
    response = page.response
    html, tags = response.text, 0
    if response.kind == "html":
        html, tags = first_tags(html, MOST_TAGS)
    found = page.parse(response._replace(text=html))
    images, left = bounded(found.images)
    links = found.links[: 2 * MOST_LINKS]
    left += Counter(tags=tags, links=len(found.links) - len(links)) + found.left
    return PageText(_excerpt(response), PageContent(images, links, left))


def outline(page: Page) -> PageText:
    """Return the marks of a page that cannot be parsed, and the images that it plainly names.

    Time is linear in the page; sizes, links and layout are not looked at.
    """
    html, page_url, kind = page.response
    base: str | None = None
    found: dict[str, ImageCandidate] = {}
    for is_image, text in islice(_plain_addresses(html if kind == "html" else ""), MOST_ADDRESSES):
        url = absolute(base or page_url, text)
        if url is not None and is_image:
            found.setdefault(url, ImageCandidate(url))
        base = base or (None if is_image else url)
    images, left = bounded(tuple(found.values()))
    return PageText(_excerpt(page.response), PageContent(images, (), left))


def _excerpt(response: PageResponse) -> str:
    return page_excerpt(response.text, response.url) if response.kind == "html" else ""


def _plain_addresses(html: str) -> Iterator[tuple[bool, str]]:
    """Yield the addresses in `img` and `base` tags, and whether each is an image's."""
    for tag in _PLAIN_TAG.finditer(html):
        for address in _PLAIN_ADDRESS.finditer(tag[0]):
            is_link = address[1].lower() == "href"
            text = markup.unescape(address[address.lastindex or 0])
            if is_link != bool(tag[1]) and text.strip():
                yield not is_link, text


def load() -> None:
    """Import what reading a page needs."""
    page_excerpt("", "")
    read_page("", "")
