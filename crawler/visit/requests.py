"""The requests of a visit: pages, images and site files, with their priorities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import Request

from crawler.settings import IMAGE_ACCEPT
from crawler.visit.images import NOT_MODIFIED
from crawler.visit.site_files import MAXSIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.visit.frontier import Step
    from crawler.visit.guides import GuideUrl
    from crawler.visit.site_files import SiteFileUrl

# Images before pages, so that few images wait; next pages before other links; pages
# near the start before far ones.
IMAGE_PRIORITY = 10_000
NEXT_PRIORITY = 1_000
# The longest page after decompression; `cut_pages` keeps the beginning of it.
UNPACKED_BYTES = 64 * 1024 * 1024
# The longest sitemap; the protocol allows 50 MB.
GUIDE_BYTES = 16 * 1024 * 1024
_GUIDE_ACCEPT = (
    "application/xml, application/rss+xml, application/atom+xml, application/feed+json, */*;q=0.1"
)
_FILE_ACCEPT = "text/plain, application/json, application/xml, */*;q=0.1"


def page_request(step: Step, callback: Callable[..., Any], errback: Callable[..., Any]) -> Request:
    """Return the request for a page; its callback gets the step as `step`."""
    return Request(
        step.link.url,
        callback=callback,
        errback=errback,
        priority=NEXT_PRIORITY * step.link.is_next - step.depth,
        cb_kwargs={"step": step},
        meta={
            "kind": "page",
            "download_maxsize": UNPACKED_BYTES,
            "download_fail_on_dataloss": False,
            "handle_httpstatus_list": [NOT_MODIFIED],
        },
        dont_filter=True,
    )


def image_request(
    url: str, maxsize: int, callback: Callable[..., Any], errback: Callable[..., Any]
) -> Request:
    """Return the request for an image of at most `maxsize` bytes; its callback gets the URL."""
    return Request(
        url,
        callback=callback,
        errback=errback,
        priority=IMAGE_PRIORITY,
        headers={"Accept": IMAGE_ACCEPT},
        cb_kwargs={"shown": url},
        meta={
            "kind": "image",
            "download_maxsize": maxsize,
            "handle_httpstatus_list": [NOT_MODIFIED],
        },
        dont_filter=True,
    )


def guide_request(
    guide: GuideUrl, callback: Callable[..., Any], errback: Callable[..., Any]
) -> Request:
    """Return the request for a sitemap or feed; its callback gets it as `guide`."""
    return Request(
        guide.url,
        callback=callback,
        errback=errback,
        priority=IMAGE_PRIORITY,
        headers={"Accept": _GUIDE_ACCEPT},
        cb_kwargs={"guide": guide},
        meta={
            "kind": "guide",
            "download_maxsize": GUIDE_BYTES,
            "handle_httpstatus_list": [NOT_MODIFIED],
        },
        dont_filter=True,
    )


def site_file_request(
    file: SiteFileUrl, callback: Callable[..., Any], errback: Callable[..., Any]
) -> Request:
    """Return the request for a site file; its callback gets the file's URL as `file`."""
    return Request(
        file.url,
        callback=callback,
        errback=errback,
        priority=IMAGE_PRIORITY,
        headers={"Accept": _FILE_ACCEPT},
        cb_kwargs={"file": file},
        meta={"kind": "site-file", "download_maxsize": MAXSIZE},
        dont_filter=True,
    )
