"""The target of a request: normalises redirects, and gives refused hosts their reason.

Scrapy normalises the host of a redirect by other rules: it turns
`http://faß.example/` into `http://fass.example/`, another domain.
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

_MESSAGES = {
    PRIVATE: "{} resolves to a private address; refused",
    PUBLIC: "{} resolves to a public address in a private run; refused",
}


class DestinationMiddleware:
    """Runs between Scrapy's redirect and retry middlewares and the network."""

    def process_response(self, request: Request, response: Response) -> Response:
        """Return the response, its `Location` absolute and normalised as the next request's URL."""
        location = response.headers.get(b"Location")
        if location is None or not 300 <= response.status < 400:
            return response
        try:
            url = absolute(request.url, location.decode("utf-8"))
        except UnicodeDecodeError:
            return response
        if url is not None:
            response.headers[b"Location"] = url.encode("ascii")
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Raise Refused if a host was not resolved because its addresses are refused."""
        if not isinstance(exception, CannotResolveHostError):
            return
        from twisted.internet import reactor

        resolver = getattr(reactor, "nameResolver", None)
        host = hostname_of(request.url)
        if isinstance(resolver, GuardedResolver) and host in resolver.refused:
            reason = resolver.refused[host]
            raise Refused(reason, _MESSAGES[reason].format(host))
