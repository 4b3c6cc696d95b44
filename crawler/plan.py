"""Plans of visits: the spider for a URL, and the start URL of a spider."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache

from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader

from crawler.settings import LEAST_DELAY, SPIDER_MODULES, checked_contact
from crawler.site_spider import SiteSpider
from crawler.visit.frontier import VisitLimits
from registry.errors import UsageError
from registry.urls.absolute import absolute
from registry.urls.key import host_of, hostname_of
from registry.urls.networks import is_loopback, is_private
from registry.urls.sites import wider_hosts

# The spider for URLs whose host no spider declares.
ANY_SITE = "gallery"


@dataclass(frozen=True, slots=True)
class Options:
    """How to crawl: limits per visit, seconds between requests, seconds per download.

    `contact` is a web page or `mailto:` address for site owners. `private`: the start
    hosts may have public names that resolve to private addresses.
    """

    limits: VisitLimits = field(default_factory=VisitLimits)
    delay: float = 1.0
    timeout: float = 30.0
    contact: str | None = None
    verbose: bool = False
    private: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError for a number that is negative, infinite or no number."""
        numbers = {"delay": self.delay, "timeout": self.timeout} | asdict(self.limits)
        for name, number in numbers.items():
            if not (math.isfinite(number) and number >= 0):
                raise UsageError(f"{name} {number:g} is out of range", "a number of 0 or more")


@dataclass(frozen=True, slots=True)
class Plan:
    """One visit to make: its spider and its start URL."""

    spider: type[SiteSpider]
    start_url: str

    @property
    def host(self) -> str:
        """Return the host under which the visit is recorded."""
        return host_of(self.start_url) or ""


@cache
def spiders() -> dict[str, type[SiteSpider]]:
    """Return every spider by name."""
    loader = SpiderLoader.from_settings(Settings({"SPIDER_MODULES": SPIDER_MODULES}))
    loaded = {name: loader.load(name) for name in sorted(loader.list())}
    return {name: spider for name, spider in loaded.items() if issubclass(spider, SiteSpider)}


def spider_for(url: str) -> type[SiteSpider]:
    """Return the spider that declares the URL's host, or the nearest of its parent domains."""
    host = hostname_of(url)
    for name in (host, *wider_hosts(host)):
        for spider in spiders().values():
            if name in spider.hosts:
                return spider
    return spiders()[ANY_SITE]


def plan(target: str) -> Plan:
    """Return the plan for a URL or a spider's name. Raises UsageError if it is neither."""
    if "://" in target:
        url = _checked(target)
        return Plan(spider_for(url), url)
    known = spiders()
    if target in known:
        if not known[target].starts_at:
            raise UsageError(f"the spider {target} needs a start URL", "crawler run https://...")
        return Plan(known[target], known[target].starts_at)
    hint = f"did you mean https://{target} ?" if "." in target else "see `crawler sites`"
    raise UsageError(f"there is no spider {target}", hint)


def contact_for(plan: Plan, options: Options) -> str:
    """Return the contact of a visit. Raises UsageError if it lacks one or is too fast."""
    is_local = is_loopback(hostname_of(plan.start_url))
    contact = checked_contact(options.contact, local=is_local)
    if options.delay < LEAST_DELAY and not is_local:
        raise UsageError(
            f"--delay {options.delay:g} is too fast for other people's sites",
            f"the minimum is {LEAST_DELAY:g} seconds, except for sites on this machine",
        )
    return contact


def refuse_unimportable(spider: type[SiteSpider]) -> None:
    """Raise UsageError if a worker process cannot import the spider's `parse` by its name."""
    module, name = spider.parse.__module__, spider.parse.__qualname__
    if module == "__main__" or "<" in name:
        raise UsageError(
            f"the worker processes cannot import {name} of {spider.__name__}",
            "define the spider in a module, and parse on its top level or as a static method",
        )


def refuse_mixture(plans: Sequence[Plan]) -> None:
    """Raise UsageError if one run is to visit both private and public hosts."""
    if len({is_private(hostname_of(plan.start_url)) for plan in plans}) > 1:
        raise UsageError(
            "one run cannot visit both a private network and the public web",
            "start two runs",
        )


def _checked(target: str) -> str:
    if "@" in re.split(r"[/?#]", target.partition("://")[2], maxsplit=1)[0]:
        # The URL is not in the message: it may contain a password.
        raise UsageError(
            "the URL contains a user name or password, which would be stored", "remove them"
        )
    url = absolute(target, target)
    if url is None:
        raise UsageError(f"{target} is not a web address", "http:// or https://, then a host")
    return url
