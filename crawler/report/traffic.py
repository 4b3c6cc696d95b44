"""What a visit has asked for and received so far, counted for metrics. Pure.

Counts are flat: `requests.2xx`, `received_bytes`, `pages`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal, get_args

# The class of a request: by the status of its response, `failed` without one, `refused` if it
# was not sent (robots.txt, a limit, the end of the visit).
RequestClass = Literal["2xx", "3xx", "not_modified", "4xx", "5xx", "other", "failed", "refused"]
REQUEST_CLASSES: tuple[RequestClass, ...] = get_args(RequestClass)
# Counts of a visit that metrics have, by their names in `SiteSpider.counts`.
READ = ("pages", "observations")
# Stat of a spider: image files that were fingerprinted.
HASHED = "pictures/hashed"

_STATUS = "downloader/response_status_count/"
_FAILURE = "downloader/exception_type_count/"
# The module of the errors for requests that are not sent.
_REFUSALS = "crawler.manners.refusals."


def traffic(stats: Mapping[str, Any]) -> Counter[str]:
    """Return the requests by class, the bytes and the hashed pictures in Scrapy's stats."""
    counts: Counter[str] = Counter()
    for name, number in stats.items():
        if name.startswith(_STATUS):
            counts[f"requests.{_class_of(name.removeprefix(_STATUS))}"] += number
        elif name.startswith(_FAILURE):
            is_refused = name.removeprefix(_FAILURE).startswith(_REFUSALS)
            counts[f"requests.{'refused' if is_refused else 'failed'}"] += number
    counts["received_bytes"] = stats.get("downloader/response_bytes", 0)
    counts["pictures_hashed"] = stats.get(HASHED, 0)
    return counts


def _class_of(status: str) -> RequestClass:
    if status == "304":
        return "not_modified"
    match status[:1] if len(status) == 3 else "":
        case "2":
            return "2xx"
        case "3":
            return "3xx"
        case "4":
            return "4xx"
        case "5":
            return "5xx"
    return "other"
