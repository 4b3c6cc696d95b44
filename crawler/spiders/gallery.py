"""Any site: the pages below one host, found by their links, and the images they show.

For sites that need no knowledge of their own. Next pages of a series are read
first, then the pages nearest to the start.
"""

from __future__ import annotations

from crawler.site_spider import SiteSpider


class GallerySpider(SiteSpider):
    """Reads pages as every HTML page is read."""

    name = "gallery"
    about = "any site, from the page you name (this is what a URL alone runs)"
