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
    priority = NEXT_PRIORITY * step.link.is_next - step.depth
    meta = _meta("page", UNPACKED_BYTES, download_fail_on_dataloss=False)
    values: dict[str, object] = {"step": step}
    return _request(step.link.url, callback, errback, values, meta, priority=priority)


def image_request(
    url: str, maxsize: int, callback: Callable[..., Any], errback: Callable[..., Any]
) -> Request:
    """Return the request for an image of at most `maxsize` bytes; its callback gets the URL."""
    meta = _meta("image", maxsize)
    return _request(url, callback, errback, {"shown": url}, meta, accept=IMAGE_ACCEPT)


def guide_request(
    guide: GuideUrl, callback: Callable[..., Any], errback: Callable[..., Any]
) -> Request:
    """Return the request for a sitemap or feed; its callback gets it as `guide`."""
    meta = _meta("guide", GUIDE_BYTES)
    return _request(guide.url, callback, errback, {"guide": guide}, meta, accept=_GUIDE_ACCEPT)


def site_file_request(
    file: SiteFileUrl, callback: Callable[..., Any], errback: Callable[..., Any]
) -> Request:
    """Return the request for a site file; its callback gets the file's URL as `file`."""
    meta = {"kind": "site-file", "download_maxsize": MAXSIZE}
    return _request(file.url, callback, errback, {"file": file}, meta, accept=_FILE_ACCEPT)


def _meta(kind: str, maxsize: int, **rest: object) -> dict[str, object]:
    """Return the meta of a request that may be answered by 304."""
    known: dict[str, object] = {"handle_httpstatus_list": [NOT_MODIFIED]}
    return {"kind": kind, "download_maxsize": maxsize, **known, **rest}


def _request(
    url: str,
    callback: Callable[..., Any],
    errback: Callable[..., Any],
    values: dict[str, object],
    meta: dict[str, object],
    *,
    priority: int = IMAGE_PRIORITY,
    accept: str | None = None,
) -> Request:
    """Return a request; its callback gets the `values`."""
    return Request(
        url,
        callback=callback,
        errback=errback,
        priority=priority,
        headers={"Accept": accept} if accept else None,
        cb_kwargs=values,
        meta=meta,
        dont_filter=True,
    )
