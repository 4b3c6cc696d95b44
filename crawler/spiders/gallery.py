"""Any site: the pages of one host, found by links, and the images they show.

For sites without a spider of their own. Next pages of a series are read
first, then the pages nearest to the start.
"""

from __future__ import annotations

from crawler.site_spider import SiteSpider


class GallerySpider(SiteSpider):
    """Reads HTML pages with the default parser."""

    name = "gallery"
    about = "any site, from a start URL (the default spider for URLs)"
