"""Refusals: the stable words for failed downloads.

Words: `http-NNN`, `timeout`, `connection`, `too-large`, `truncated`,
`redirect-loop`, `robots-txt` (disallowed), `robots-txt-unavailable`,
`private-address`, `public-address` (in a private run), `refused-host`, `other-site`,
`too-long` (the URL), `failed`; from decoding an image those of
UnreadablePicture, `timeout`, `out-of-memory` and `crashed`; from the visit `limit` and
`interrupted`; from parsing a page `page-too-complex`, `parse-error` and `page-truncated`.
"""

from __future__ import annotations

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.http import Request
from scrapy.spidermiddlewares.httperror import HttpError

_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (DownloadTimeoutError, "timeout"),
    (ResponseDataLossError, "truncated"),
    # The handler cancels a download only for its size.
    (DownloadCancelledError, "too-large"),
    (CannotResolveHostError, "connection"),
    (DownloadConnectionRefusedError, "connection"),
    (DownloadFailedError, "connection"),
    (UnsupportedURLSchemeError, "connection"),
    (OSError, "connection"),
)


class Refused(IgnoreRequest):  # type: ignore[misc, unused-ignore]
    """A request that a visit does not make; `reason` is one of the words above."""

    def __init__(self, reason: str, message: str) -> None:
        """Keep the reason and the message."""
        super().__init__(message)
        self.reason = reason


class HostStopped(Refused):
    """A request to a host that gets no more requests in a visit."""


def refused_host(host: str, reason: str) -> HostStopped:
    """Return the refusal of a request to a host that is never visited."""
    return HostStopped("refused-host", f"{host} is never visited: {reason}")


def stopped_host(host: str, status: int) -> HostStopped:
    """Return the refusal of a request to a host to which requests stopped after a status."""
    return HostStopped(f"http-{status}", f"requests to {host} stopped after status {status}")


def refusal_of(error: BaseException, request: Request | None = None) -> tuple[str, int | None]:
    """Return the refusal of a failed download, and the HTTP status if there was one."""
    if isinstance(error, HttpError):
        return f"http-{error.response.status}", error.response.status
    if isinstance(error, Refused):
        return error.reason, None
    if isinstance(error, IgnoreRequest):
        # Scrapy raises it for two reasons: too many redirects, and bodies
        # that decompress to more than the size limit.
        hops = request.meta.get("redirect_times", 0) if request is not None else 0
        return ("redirect-loop" if hops else "too-large"), None
    word = next((word for error_type, word in _WORDS if isinstance(error, error_type)), "failed")
    return word, None
