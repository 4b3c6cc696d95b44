"""Reads one page in a worker process: from its text, the excerpt, the images and the links. Pure.

The number of tags is limited before parsing, the numbers of links, images and sizes
while they are collected; the rest is counted. If parsing still fails, or the parser of a
spider raises, an outline is read: the marks, and the images in `img` tags.
"""

from __future__ import annotations

import html as markup
import json
import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NamedTuple

from crawler.pages.image_attributes import LAZY_SRC, ORIGINAL_SRC
from crawler.pages.images import MOST_ADDRESSES, ImageCandidate, base_url, bounded, images_in
from crawler.pages.links import (
    MOST_FEEDS,
    MOST_LINKS,
    PageLink,
    feeds_in,
    link_tags,
    links_in,
)
from crawler.pages.markup import first_tags, parsed
from registry.signals import page_excerpt
from registry.urls.absolute import absolute

# Most tags read from one page, from its start; usual pages have less than a tenth.
MOST_TAGS = 50_000
TOO_COMPLEX = "page-too-complex"
PARSE_ERROR = "parse-error"

# No pattern backtracks: the time is linear in the text.
_PLAIN_TAG = re.compile(r"<(?:(img)|base)(?=[\t\n\f\r /])[^<>]*+>", re.IGNORECASE)
_PLAIN_ADDRESS = re.compile(
    rf"[\t\n\f\r \"'/](src|href|{'|'.join((*LAZY_SRC, *ORIGINAL_SRC))})[\t\n\f\r ]*+="
    r"[\t\n\f\r ]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r \"'>]++))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PageContent:
    """The images and links of a page; `left` counts the items left out, by type.

    `feeds` are the URLs of the feeds that it names.
    """

    images: tuple[ImageCandidate, ...] = ()
    links: tuple[PageLink, ...] = ()
    left: Counter[str] = field(default_factory=Counter)
    feeds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageText:
    """The result of reading a page: the excerpt that is evidence, and the page's content.

    `error` is the traceback of a parser that failed; the content is then an outline.
    """

    excerpt: str
    content: PageContent
    error: str = ""


class PageResponse(NamedTuple):
    """The response for a page: its text, its URL, and `kind`, `html` or `json`."""

    text: str
    url: str
    kind: str = "html"

    def json(self) -> Any:
        """Return the text parsed as JSON. Raises ValueError if it is not JSON."""
        return json.loads(self.text)


PageParser = Callable[[PageResponse], PageContent]


class Page(NamedTuple):
    """A page to read, and the function that returns its content."""

    response: PageResponse
    parse: PageParser


def parse_page(response: PageResponse) -> PageContent:
    """Return the content of an HTML page; none for JSON. The default parser."""
    return read_page(response.text, response.url) if response.kind == "html" else PageContent()


def read_page(html: str, url: str) -> PageContent:
    """Return the images, links and feeds of an HTML page."""
    left: Counter[str] = Counter()
    soup = parsed(html, left)
    images = tuple(images_in(soup, url, left))
    tags, base = link_tags(soup), base_url(soup, url)
    return PageContent(images, tuple(links_in(tags, base, left)), left, feeds_in(tags, base))


def read_text(page: Page) -> PageText:
    """Return the excerpt and the content of a page, within the limits of this module."""
    response = page.response
    html, tags = response.text, 0
    if response.kind == "html":
        html, tags = first_tags(html, MOST_TAGS)
    try:
        content = _parsed(page.parse, response._replace(text=html))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 (a spider's parser is any code; its error must not hide marks)
        return replace(outline(response), error=traceback.format_exc())
    images, left = bounded(content.images)
    links = content.links[: 2 * MOST_LINKS]
    left += Counter(tags=tags, links=len(content.links) - len(links)) + content.left
    feeds = content.feeds[:MOST_FEEDS]
    return PageText(_excerpt(response), PageContent(images, links, left, feeds))


def _parsed(parse: PageParser, response: PageResponse) -> PageContent:
    content: object = parse(response)
    if not isinstance(content, PageContent):
        raise TypeError(f"parse returned {type(content).__name__}, not PageContent")
    return content


def outline(response: PageResponse) -> PageText:
    """Return the excerpt of a page that cannot be parsed, and the images in its `img` tags.

    Time is linear in the page; sizes and links are not read.
    """
    html, page_url, kind = response
    base: str | None = None
    by_url: dict[str, ImageCandidate] = {}
    for is_image, text in islice(_plain_urls(html if kind == "html" else ""), MOST_ADDRESSES):
        url = absolute(base or page_url, text)
        if url is not None and is_image:
            by_url.setdefault(url, ImageCandidate(url))
        base = base or (None if is_image else url)
    images, left = bounded(tuple(by_url.values()))
    return PageText(_excerpt(response), PageContent(images, (), left))


def _excerpt(response: PageResponse) -> str:
    return page_excerpt(response.text, response.url) if response.kind == "html" else ""


def _plain_urls(html: str) -> Iterator[tuple[bool, str]]:
    """Yield the URLs in `img` and `base` tags, each after whether it is an image's."""
    for tag in _PLAIN_TAG.finditer(html):
        for address in _PLAIN_ADDRESS.finditer(tag[0]):
            is_link = address[1].lower() == "href"
            text = markup.unescape(address[address.lastindex or 0])
            if is_link != bool(tag[1]) and text.strip():
                yield not is_link, text


def load() -> None:
    """Import the modules that reading a page needs."""
    page_excerpt("", "")
    read_page("", "")
