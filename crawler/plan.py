"""Plans of visits: the spider for a URL, and the start URL of a spider."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader

from crawler.options import Options
from crawler.settings import LEAST_DELAY, SPIDER_MODULES, checked_contact
from crawler.site_spider import SiteSpider
from registry.errors import UsageError
from registry.urls.absolute import MAX_ADDRESS, absolute
from registry.urls.key import host_of, hostname_of
from registry.urls.networks import is_loopback, is_private
from registry.urls.sites import wider_hosts

# The spider for URLs whose host no spider declares.
ANY_SITE = "gallery"


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


def plan(target: str, spider: str | None = None) -> Plan:
    """Return the plan for a URL or a spider's name. Raises UsageError if it is neither.

    `spider` names the spider for a URL in place of that which declares its host.
    """
    known = spiders()
    if spider is not None and spider not in known:
        raise UsageError(f"there is no spider {spider}", "see `crawler sites`")
    if "://" in target:
        url = _checked(target)
        return Plan(known[spider] if spider else spider_for(url), url)
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
    refuse_haste(plan, options)
    return contact


def refuse_haste(plan: Plan, options: Options) -> None:
    """Raise UsageError for a delay that is too short for a site on another machine."""
    if options.delay < LEAST_DELAY and not is_loopback(hostname_of(plan.start_url)):
        raise UsageError(
            f"--delay {options.delay:g} is too fast for other people's sites",
            f"the minimum is {LEAST_DELAY:g} seconds, except for sites on this machine",
        )


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
    if len(url) > MAX_ADDRESS:
        raise UsageError(f"the URL is longer than {MAX_ADDRESS} characters", "it is not requested")
    # `http://host` and `http://host/` are one request, and one site.
    return url if url.count("/") > 2 else f"{url}/"
