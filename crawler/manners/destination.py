"""Where a request really goes: redirects spelled by our rules, refused hosts by their reason.

Scrapy spells the host of a redirect by rules of its own, under which
`http://faß.example/` is `http://fass.example/`, another domain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import CannotResolveHostError

from crawler.manners.refusals import Refused
from crawler.manners.resolver import PRIVATE, PUBLIC, GuardedResolver
from registry.urls.absolute import absolute
from registry.urls.key import hostname_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response

_SAID = {
    PRIVATE: "{} resolves to a private address; refused",
    PUBLIC: "{} resolves to a public address in a private run; refused",
}


class DestinationMiddleware:
    """Stands between Scrapy's redirects and retries and the network."""

    def process_response(self, request: Request, response: Response) -> Response:
        """Return the response, its `Location` whole and spelled as what will be asked for."""
        location = response.headers.get(b"Location")
        if location is None or not 300 <= response.status < 400:
            return response
        try:
            address = absolute(request.url, location.decode("utf-8"))
        except UnicodeDecodeError:
            return response
        if address is not None:
            response.headers[b"Location"] = address.encode("ascii")
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Raise Refused in place of the failed resolution of a host that may not be asked."""
        if not isinstance(exception, CannotResolveHostError):
            return
        from twisted.internet import reactor

        resolver = getattr(reactor, "nameResolver", None)
        host = hostname_of(request.url)
        if isinstance(resolver, GuardedResolver) and host in resolver.refused:
            word = resolver.refused[host]
            raise Refused(word, _SAID[word].format(host))
