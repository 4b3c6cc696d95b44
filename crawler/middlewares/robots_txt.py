"""robots.txt: always obeyed, and recorded as evidence.

RFC 9309: a file that is not there (4xx) forbids nothing; one that cannot be had
(5xx, no answer, redirects without end) forbids everything. 429 counts as "cannot
be had": a host that asks us to slow down has not told us that it has no rules.
A web page in the file's place (a page for what is not found, a challenge) holds no
rules, so none are obeyed, and it is no evidence that there are none: it is recorded
as `not-robots-txt`.
Nothing in a request, spider or setting lifts this.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from crawler.events import site_file_read
from crawler.refusals import Refused, refusal_of
from crawler.resolver import PRIVATE, PUBLIC
from crawler.settings import PRODUCT_TOKEN, refuse_disobedience
from registry.model import Evidence, SiteFile
from registry.site_rules import Robots
from registry.urls.key import host_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

# RFC 9309, section 2.5, asks for at least 500 KiB.
MAXSIZE = 5 * 1024 * 1024
TOO_MANY_REQUESTS = 429
UNAVAILABLE = "robots-txt-unavailable"
NOT_ROBOTS_TXT = "not-robots-txt"
# A comment at the very start, or a line that no web page has, one about robots.txt aside.
_GRAMMAR = re.compile(
    r"\A#|^[ \t]*(?:(?:user[ -]?agent|diss?all?ow|diasllow|disallaw|crawl-delay"
    r"|content-(?:signal|usage))[ \t]*:|allow[ \t]*:[ \t]*[/*$]|sitemap[ \t]*:[ \t]*http)",
    re.IGNORECASE | re.MULTILINE,
)
# A visit that ends has learnt nothing about the files it did not wait for.
ENDINGS = ("interrupted", "limit")
_PASS = "robots_txt_pass"


@dataclass(frozen=True, slots=True)
class _Rules:
    """What a robots.txt says, or the reason to stay away altogether."""

    robots: Robots
    stay_away: str | None = None


def is_web_page(text: str, content_type: bytes) -> bool:
    """Return whether a web page was sent for robots.txt: HTML, by type or by looks, without rules.

    Text with one line of robots.txt in it is a robots.txt, and so is an empty one.
    """
    text = text.replace("\x00", "").strip("\ufeff\ufffd \t\r\n")
    media = content_type.split(b";")[0].strip().lower()
    html = text.startswith("<") or media in (b"text/html", b"application/xhtml+xml")
    return bool(text) and html and _GRAMMAR.search(text.replace("\r", "\n")) is None


class RobotsTxtMiddleware:
    """Lets through what the host's robots.txt allows our product token."""

    def __init__(self, crawler: Crawler) -> None:
        """Refuse settings that would turn robots.txt off."""
        refuse_disobedience(crawler.settings)
        self._crawler = crawler
        self._rules: dict[str, asyncio.Task[_Rules]] = {}
        # Only the request for robots.txt itself carries this very object.
        self._pass = object()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsTxtMiddleware:
        """Make the middleware."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Raise Refused for what robots.txt forbids; read it first, once per host."""
        if request.meta.get(_PASS) is self._pass:
            return
        parts = urlsplit(request.url)
        authority = f"{parts.scheme}://{parts.netloc}"
        if authority not in self._rules:
            self._rules[authority] = asyncio.ensure_future(self._fetch(f"{authority}/robots.txt"))
        # One request's cancelling must not cancel the file for the others.
        rules = await asyncio.shield(self._rules[authority])
        if rules.stay_away is not None:
            raise Refused(rules.stay_away, f"the robots.txt of {authority} cannot be had")
        if not rules.robots.allowed(request.url, PRODUCT_TOKEN):
            raise Refused("robots-txt", f"the robots.txt of {authority} closes {request.url}")

    async def _fetch(self, url: str) -> _Rules:
        meta = {_PASS: self._pass, "download_maxsize": MAXSIZE}
        headers = {"Accept": "text/plain, */*;q=0.1"}
        request = Request(url, headers=headers, meta=meta, callback=NO_CALLBACK)
        assert self._crawler.engine is not None
        try:
            response = await self._crawler.engine.download_async(request)
        except Exception as error:  # noqa: BLE001 (any failure whatever means: stay away)
            word, _ = refusal_of(error, request)
            if word not in ENDINGS:
                self._record(url, None, word, None)
            gone = word in ("connection", "timeout", PRIVATE, PUBLIC)
            return _Rules(Robots(""), word if gone else UNAVAILABLE)
        return self._read(url, response)

    def _read(self, url: str, response: Response) -> _Rules:
        if 200 <= response.status < 300:
            text = response.body.decode("utf-8", "replace")
            if is_web_page(text, response.headers.get(b"Content-Type") or b""):
                self._record(url, response.status, NOT_ROBOTS_TXT, None)
                return _Rules(Robots(""))
            evidence = Evidence("robots-txt", "site", url, text=text)
            self._record(url, response.status, None, evidence)
            return _Rules(Robots(text))
        self._record(url, response.status, f"http-{response.status}", None)
        absent = 400 <= response.status < 500 and response.status != TOO_MANY_REQUESTS
        return _Rules(Robots(""), None if absent else UNAVAILABLE)

    def _record(
        self, url: str, status: int | None, refusal: str | None, evidence: Evidence | None
    ) -> None:
        site_file = SiteFile(
            observed_at=datetime.now(UTC),
            host=host_of(url) or "",
            url=url,
            kind="robots-txt",
            status=status,
            refusal=refusal,
            evidence=evidence,
        )
        self._crawler.signals.send_catch_log(site_file_read, site_file=site_file)
