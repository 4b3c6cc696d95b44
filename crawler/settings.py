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
# Hosts other than this machine are never asked more often than this (seconds).
LEAST_DELAY = 0.5
ROBOTS_MIDDLEWARE = "crawler.manners.robots.RobotsTxtMiddleware"

BOT_NAME = PRODUCT_TOKEN
SPIDER_MODULES = ["crawler.spiders"]
ROBOTSTXT_OBEY = True
ROBOTSTXT_USER_AGENT = PRODUCT_TOKEN
DOWNLOADER_MIDDLEWARES: dict[str, int | None] = {
    "crawler.manners.bounds.BoundsMiddleware": 90,
    # Ours reads robots.txt as RFC 9309 says and records what it said.
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    ROBOTS_MIDDLEWARE: 100,
    "crawler.manners.conditional.ConditionalMiddleware": 110,
    # Nearer to the network than Scrapy's retries (550), which know nothing of earlier answers.
    "crawler.manners.cut_pages.CutPagesMiddleware": 555,
    # Behind Scrapy's retries (550): the second try of a host that was given up is refused.
    "crawler.manners.pauses.PausesMiddleware": 560,
    # Nearer to the network than Scrapy's retries (550) and redirects (600).
    "crawler.manners.destination.DestinationMiddleware": 610,
}
ITEM_PIPELINES = {"crawler.record.pipeline.DatabasePipeline": 100}
EXTENSIONS: dict[str, int | None] = {
    "scrapy.extensions.throttle.AutoThrottle": None,
    "crawler.manners.throttle.HostThrottle": 0,
    "scrapy.extensions.feedexport.FeedExporter": None,
}
# Only the web: a page must not lead us to files or other services.
DOWNLOAD_HANDLERS: dict[str, str | None] = {
    **dict.fromkeys(("data", "file", "ftp", "s3")),
    **dict.fromkeys(("http", "https"), "crawler.manners.downloader.PacedHandler"),
}
DOWNLOADER = "crawler.manners.downloader.PacedDownloader"
# The least delay is the least: it is not varied by chance.
DOWNLOAD_DELAY_JITTER = 0

AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_TARGET_CONCURRENCY = 1.0
AUTOTHROTTLE_MAX_DELAY = 60.0
CONCURRENT_REQUESTS = 8
CONCURRENT_REQUESTS_PER_DOMAIN = 2
# Tasks that Scrapy starts for what one response yields. Its hundred cost a tenth of a visit.
CONCURRENT_ITEMS = 4
# Pages in the order they were found; what comes first is decided by priority.
SCHEDULER_MEMORY_QUEUE = "scrapy.squeues.FifoMemoryQueue"

COOKIES_ENABLED = False
REFERRER_POLICY = "no-referrer"
REDIRECT_MAX_TIMES = 5
METAREFRESH_ENABLED = False
RETRY_TIMES = 1
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"
DNS_TIMEOUT = 10
TWISTED_DNS_RESOLVER = "crawler.manners.resolver.GuardedResolver"
# The bounds refuse long addresses, and say so.
URLLENGTH_LIMIT = 0
# A proxy would resolve names by itself, behind the back of the resolver's guard.
HTTPPROXY_ENABLED = False
DOWNLOAD_MAXSIZE = 10 * 1024 * 1024
DOWNLOAD_WARNSIZE = 0
# Bytes of answers that are being read, before nothing more is asked for: a few large pages
# must not keep other hosts waiting.
SCRAPER_SLOT_MAX_ACTIVE_SIZE = 128 * 1024 * 1024
# Evidence from a host that cannot prove its name is none.
DOWNLOAD_VERIFY_CERTIFICATES = True
DEFAULT_REQUEST_HEADERS = {"Accept": "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"}
IMAGE_ACCEPT = "image/png, image/jpeg, image/*;q=0.8, */*;q=0.1"

TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
LOG_LEVEL = "WARNING"
STATS_DUMP = False


def user_agent(contact: str) -> str:
    """Return the honest user agent: who we are, and where to complain."""
    major_minor = ".".join(__version__.split(".")[:2])
    return f"{PRODUCT_TOKEN}/{major_minor} (+{contact})"


def checked_contact(contact: str | None, *, local: bool) -> str:
    """Return the contact for the user agent; only this machine may be visited without one.

    Raises UsageError if it is missing or is neither a web nor a mail address.
    """
    if not contact:
        if local:
            return LOCAL_CONTACT
        raise UsageError(
            "a site's owner must be able to reach you before you crawl it",
            f"set {CONTACT_VARIABLE} to a web page about your crawler, or to mailto:YOU@HOST",
        )
    if not re.fullmatch(r"https?://[!-'*-~]+\.[!-'*-~]+|mailto:[!-'*-~]+@[!-'*-~]+", contact):
        raise UsageError(
            f"{CONTACT_VARIABLE} is neither a web nor a mail address: {contact!r}",
            "its forms: https://example.org/our-crawler or mailto:crawler@example.org",
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

    `hosts` are the names of the hosts it was sent to. With `private` they are in a private
    network even if they are not written so.
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
    """Raise UsageError for settings under which robots.txt would not be obeyed."""
    if not settings.getbool("ROBOTSTXT_OBEY"):
        raise UsageError("ROBOTSTXT_OBEY cannot be turned off", "this crawler always obeys it")
    if settings.get("ROBOTSTXT_USER_AGENT") != PRODUCT_TOKEN:
        raise UsageError("ROBOTSTXT_USER_AGENT cannot be changed", f"it is {PRODUCT_TOKEN}")
    if settings.getdict("DOWNLOADER_MIDDLEWARES").get(ROBOTS_MIDDLEWARE) is None:
        raise UsageError("the robots.txt middleware cannot be taken out", "leave it in its place")
