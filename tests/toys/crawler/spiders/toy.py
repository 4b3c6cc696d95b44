"""An invented site, which shows that a spider is one file and its captured pages."""

from __future__ import annotations

import re

from crawler.pages.images import ImageCandidate
from crawler.pages.reading import PageContent, PageResponse
from crawler.site_spider import SiteSpider
from registry.urls.absolute import absolute

_PICTURE = re.compile(r'<p data-picture="([^"<>]{1,1000})">')


class ToySpider(SiteSpider):
    """Reads the pages of the invented site."""

    name = "toy"
    about = "an invented site"
    hosts = ("localhost",)
    kinds = ("html", "json")

    @staticmethod
    def parse(response: PageResponse) -> PageContent:  # type: ignore[override]  # not Scrapy's
        """Return the pictures that paragraphs name, which are no images to other spiders.

        On a JSON page, those of its list `pictures`.
        """
        is_json = response.kind == "json"
        named = response.json()["pictures"] if is_json else _PICTURE.findall(response.text)
        found = (absolute(response.url, address) for address in named)
        return PageContent(tuple(ImageCandidate(url, source="toy") for url in found if url))
