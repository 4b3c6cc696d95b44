"""Which hosts share one budget of requests. Pure."""

from __future__ import annotations

import re

_NUMBERS = re.compile(r"\d+")


def budget_of(host: str) -> str:
    """Return the name of the budget of a host, given without its port.

    Image servers of one service are often numbered: `img1.example` and `img2.example` share
    the budget `img#.example`. Addresses and hosts without a subdomain have their own.
    """
    first, dot, rest = host.partition(".")
    if ":" in host or "." not in rest or not rest.rpartition(".")[2].isalpha():
        return host
    return f"{_NUMBERS.sub('#', first)}{dot}{rest}"
