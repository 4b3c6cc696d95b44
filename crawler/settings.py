"""Scrapy's settings: the manners of the crawler. Names in capitals are Scrapy's.

robots.txt is always obeyed. `refuse_disobedience` raises on any setting that
would change that, wherever it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import registry
from registry import __version__
from registry.errors import UsageError
from registry.urls.networks import is_private

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

PRODUCT_TOKEN = registry.PRODUCT_TOKEN
CONTACT_VARIABLE = "CRAWLER_CONTACT"
LOCAL_CONTACT = "a test on this machine"
# The minimum delay between requests to hosts other than this machine, in seconds.
LEAST_DELAY = 0.5
ROBOTS_MIDDLEWARE = "crawler.manners.robots.RobotsTxtMiddleware"

BOT_NAME = PRODUCT_TOKEN
SPIDER_MODULES = ["crawler.spiders"]
ROBOTSTXT_OBEY = True
ROBOTSTXT_USER_AGENT = PRODUCT_TOKEN
# Those that Scrapy adds by itself are left out, or named below: others would cost time with every
# request, and take a tenth of a short visit to import.
DOWNLOADER_MIDDLEWARES_BASE: dict[str, int] = {}
SPIDER_MIDDLEWARES_BASE: dict[str, int] = {}
EXTENSIONS_BASE: dict[str, int] = {}
DOWNLOADER_MIDDLEWARES: dict[str, int] = {
    "crawler.manners.bounds.BoundsMiddleware": 90,
    # Reads robots.txt by RFC 9309 and records it, in place of Scrapy's.
    ROBOTS_MIDDLEWARE: 100,
    "crawler.manners.conditional.ConditionalMiddleware": 110,
    "scrapy.downloadermiddlewares.downloadtimeout.DownloadTimeoutMiddleware": 350,
    "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": 400,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": 500,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": 550,
    # Nearer to the network than the retries, which keep no earlier response.
    "crawler.manners.cut_pages.CutPagesMiddleware": 555,
    # Behind the retries: a retry to a stopped host is refused.
    "crawler.manners.pauses.PausesMiddleware": 560,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": 590,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": 600,
    # Nearer to the network than retries and redirects.
    "crawler.manners.destination.DestinationMiddleware": 610,
    "scrapy.downloadermiddlewares.stats.DownloaderStats": 850,
}
SPIDER_MIDDLEWARES = {
    "scrapy.spidermiddlewares.start.StartSpiderMiddleware": 25,
    "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": 50,
}
EXTENSIONS = {"crawler.manners.throttle.HostThrottle": 0}
# Only HTTP: a page must not make the crawler read files or other services.
DOWNLOAD_HANDLERS: dict[str, str | None] = {
    **dict.fromkeys(("data", "file", "ftp", "s3")),
    **dict.fromkeys(("http", "https"), "crawler.manners.downloader.PacedHandler"),
}
DOWNLOADER = "crawler.manners.downloader.PacedDownloader"
# No random variation: the minimum delay must be kept.
DOWNLOAD_DELAY_JITTER = 0

AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_TARGET_CONCURRENCY = 1.0
AUTOTHROTTLE_MAX_DELAY = 60.0
CONCURRENT_REQUESTS = 8
CONCURRENT_REQUESTS_PER_DOMAIN = 1
# Tasks that Scrapy starts per response for its items; its default of 100 takes a tenth of a visit.
CONCURRENT_ITEMS = 1
# Pages of one priority in the order they were found.
SCHEDULER_MEMORY_QUEUE = "scrapy.squeues.FifoMemoryQueue"

COOKIES_ENABLED = False
REDIRECT_MAX_TIMES = 5
METAREFRESH_ENABLED = False
RETRY_TIMES = 1
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"
DNS_TIMEOUT = 10
TWISTED_DNS_RESOLVER = "crawler.manners.resolver.GuardedResolver"
# A proxy would resolve names itself and bypass GuardedResolver.
HTTPPROXY_ENABLED = False
DOWNLOAD_MAXSIZE = 10 * 1024 * 1024
DOWNLOAD_WARNSIZE = 0
# Bytes of responses in memory above which no more requests are sent. High, so that a few large
# pages do not delay other hosts.
SCRAPER_SLOT_MAX_ACTIVE_SIZE = 128 * 1024 * 1024
# A response of a host without a valid certificate is not evidence.
DOWNLOAD_VERIFY_CERTIFICATES = True
DEFAULT_REQUEST_HEADERS = {"Accept": "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"}
IMAGE_ACCEPT = "image/png, image/jpeg, image/*;q=0.8, */*;q=0.1"

TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
LOG_LEVEL = "WARNING"
STATS_DUMP = False


def user_agent(contact: str) -> str:
    """Return the `User-Agent` field: product token, version, and the contact."""
    major_minor = ".".join(__version__.split(".")[:2])
    return f"{PRODUCT_TOKEN}/{major_minor} (+{contact})"


def checked_contact(contact: str | None, *, local: bool) -> str:
    """Return the contact for the user agent; `local` visits, to this machine, need none.

    Raises UsageError if it is missing or is neither a web address nor a `mailto:` address.
    """
    if not contact:
        if local:
            return LOCAL_CONTACT
        raise UsageError(
            "no contact for the owners of the sites you crawl",
            f"set {CONTACT_VARIABLE}, or contact= of the Options in Python, "
            "to a web page about your crawler, or to mailto:YOU@HOST",
        )
    if not re.fullmatch(r"https?://[!-'*-~]+\.[!-'*-~]+|mailto:[!-'*-~]+@[!-'*-~]+", contact):
        raise UsageError(
            f"{CONTACT_VARIABLE} is neither a web nor a mail address: {contact!r}",
            "for example https://example.org/our-crawler or mailto:crawler@example.org",
        )
    return contact


def scrapy_settings(
    *,
    contact: str,
    delay: float,
    timeout: float,
    hosts: Iterable[str] = (),
    private: bool = False,
    verbose: bool = False,
) -> dict[str, Any]:
    """Return the settings of one run; `delay` and `timeout` in seconds.

    `hosts` are the start hosts. With `private`, they may have public names that resolve to
    private addresses.
    """
    named = sorted(set(hosts))
    fixed = {name: value for name, value in globals().items() if name.isupper()}
    return fixed | {
        "USER_AGENT": user_agent(contact),
        "DOWNLOAD_DELAY": delay,
        "AUTOTHROTTLE_START_DELAY": delay,
        "DOWNLOAD_TIMEOUT": timeout,
        "VISITED_HOSTS": named,
        "PRIVATE_RUN": private or (bool(named) and all(map(is_private, named))),
        "LOG_LEVEL": "DEBUG" if verbose else LOG_LEVEL,
    }


def refuse_disobedience(settings: BaseSettings) -> None:
    """Raise UsageError for settings that would disable robots.txt."""
    if not settings.getbool("ROBOTSTXT_OBEY"):
        raise UsageError("ROBOTSTXT_OBEY cannot be turned off", "this crawler always obeys it")
    if settings.get("ROBOTSTXT_USER_AGENT") != PRODUCT_TOKEN:
        raise UsageError("ROBOTSTXT_USER_AGENT cannot be changed", f"it is {PRODUCT_TOKEN}")
    if settings.getdict("DOWNLOADER_MIDDLEWARES").get(ROBOTS_MIDDLEWARE) is None:
        raise UsageError("the robots.txt middleware cannot be removed", "this crawler needs it")
