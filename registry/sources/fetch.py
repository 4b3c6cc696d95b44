"""Fetches one page or image and its site files, for `registry explain`.

As polite as the crawler: the same product token, robots.txt obeyed from the first
request on, one request at a time, no cookies, no proxy. A missing robots.txt (4xx)
allows everything; one that cannot be fetched disallows everything (RFC 9309,
section 2.3.1). A URL may name a host of this machine or network by its private address;
once a public host was contacted, private addresses are refused. Public names that
resolve to private addresses are always refused.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from registry import PRODUCT_TOKEN, __version__
from registry.errors import UnreadableInput
from registry.evidence.carriers import is_image
from registry.evidence.responses import PICTURE_LIMIT, READ_LIMIT, Response, decoded_response
from registry.evidence.text import text_of
from registry.model import Evidence
from registry.signals import carriers
from registry.sources import robots
from registry.sources.pauses import REFUSALS, retry_after
from registry.sources.pieces import Piece, site_file_piece
from registry.urls.absolute import MAX_ADDRESS, absolute
from registry.urls.hosts import DEFAULT_PORTS
from registry.urls.key import host_of, hostname_of
from registry.urls.networks import is_private, is_public

SECONDS = 10.0
MAX_REDIRECTS = 5
SITE_FILE_LIMIT = 2 * 1024 * 1024
MAX_LICENCES = 3
_REDIRECTS = {301, 302, 303, 307, 308}
_HEADERS = {
    "User-Agent": f"{PRODUCT_TOKEN}/{'.'.join(__version__.split('.')[:2])} (registry explain)",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
}
_INSIDE = "to explain a page of your own network, name it by its IP address, or save it as a file"
_SAVE_IT = "save it with your browser, or `curl -i`, and explain the file"


class NotFetched(UnreadableInput):
    """A URL could not be fetched; `reason` is a stable word such as `http-404` or `timeout`."""

    hint = _SAVE_IT

    def __init__(self, reason: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.reason = reason


class DisallowedByRobots(NotFetched):
    """The robots.txt of the host of `url` disallows it; `url` may be a redirect's target."""

    def __init__(self, url: str) -> None:
        host = urlsplit(url).netloc
        message = f"{url}: not fetched, the robots.txt of {host} disallows it to {PRODUCT_TOKEN}"
        super().__init__("robots-txt", message)
        self.url = url


@dataclass(frozen=True, slots=True)
class _Rules:
    """A host's robots.txt: its evidence, its meaning, and `fault`, why it cannot be fetched."""

    piece: Piece
    answer: robots.RobotsAnswer
    fault: str = ""


class Visitor:
    """Fetches for one target; keeps the robots.txt of every host it sends requests to."""

    def __init__(self) -> None:
        """Start without a public host: private addresses may be contacted."""
        self._rules: dict[str, _Rules] = {}
        self._was_public = False
        # By host with a 429 or 503 response: its status and Retry-After, as text.
        self._refused: dict[str, str] = {}

    def fetch(self, url: str) -> Response:
        """Return the response for a page or an image; its `url` is the one after redirects.

        Raises DisallowedByRobots if a robots.txt disallows it, NotFetched for other failures.
        """
        response = self._follow(url, READ_LIMIT, obey=True)
        if response.status is None or not 200 <= response.status < 300:
            status = f"responded with status {response.status}"
            status = self._refused.get(urlsplit(response.url).netloc, status)
            raise NotFetched(f"http-{response.status}", f"{url}: {status}")
        return response

    def robots(self, url: str) -> Piece:
        """Return the robots.txt of a URL's host, or its refusal."""
        return self._rules_of(url).piece

    def site_files(self, url: str) -> list[Piece]:
        """Return the files of a URL's host that may contain marks, or their refusals."""
        wanted = carriers().requested(shows_pages=True)
        files = [self._site_file(_at(url, path), kind) for kind, path in wanted]
        return [self.robots(url), *files]

    def licence(self, url: str) -> Piece:
        """Return the RSL document at a URL that a mark points to."""
        return self._site_file(url, "rsl-xml")

    def _site_file(self, url: str, kind: str) -> Piece:
        try:
            response = self._follow(url, SITE_FILE_LIMIT, obey=True)
        except NotFetched as error:
            return Piece(Evidence(kind, "site", url), refusal=error.reason)
        return site_file_piece(kind, replace(response, url=url))

    def _rules_of(self, url: str) -> _Rules:
        robots_url = _at(url, "/robots.txt")
        if robots_url not in self._rules:
            self._rules[robots_url] = self._read_rules(robots_url)
        return self._rules[robots_url]

    def _read_rules(self, url: str) -> _Rules:
        try:
            response = self._follow(url, robots.READ_BYTES, obey=False)
        except NotFetched as error:
            piece = Piece(Evidence(robots.CARRIER, "site", url), refusal=error.reason)
            fault = f"{error.reason}: {error.message.removeprefix(f'{url}: ')}"
            return _Rules(piece, robots.failed(error.reason), fault)
        answer = robots.answer_to(response)
        piece = site_file_piece(robots.CARRIER, replace(response, url=url))
        status = self._refused.get(urlsplit(response.url).netloc, "")
        fault = ", ".join(answer.warnings) or answer.refusal or ""
        return _Rules(piece, answer, f"{fault}: it {status}" if status else fault)

    def _follow(self, url: str, limit: int, *, obey: bool) -> Response:
        url = _absolute(url, url)
        for _ in range(MAX_REDIRECTS + 1):
            if obey:
                self._refuse_disallowed(url)
            response = self._polite(url, limit)
            target = response.field("location")
            if response.status not in _REDIRECTS or not target:
                return decoded_response(response)
            url = _absolute(url, target)
        raise NotFetched("redirect-loop", f"{url}: more than {MAX_REDIRECTS} redirects")

    def _polite(self, url: str, limit: int) -> Response:
        """Make one request. Raises NotFetched if the host has refused one with 429 or 503."""
        host = urlsplit(url).netloc
        if host in self._refused:
            message = f"{url}: not fetched, {host} {self._refused[host]}"
            raise NotFetched("too-many-requests", message, "try again later")
        response = self._get(url, limit)
        if response.status in REFUSALS:
            wait = retry_after(response.field("retry-after"), datetime.now(UTC))
            pause = f" (Retry-After: {wait:.0f} s)" if wait else ""
            self._refused[host] = f"responded with status {response.status}{pause}"
        return response

    def _refuse_disallowed(self, url: str) -> None:
        rules = self._rules_of(url)
        if rules.answer.stay_away:
            host = urlsplit(url).netloc
            message = f"{url}: not fetched, the robots.txt of {host} cannot be fetched"
            raise NotFetched(rules.answer.refusal or "truncated", f"{message} ({rules.fault})")
        if not rules.answer.allows(url, PRODUCT_TOKEN):
            raise DisallowedByRobots(url)

    def _get(self, url: str, limit: int) -> Response:
        """Make one request. Raises NotFetched for any failure."""
        deadline = time.monotonic() + SECONDS
        connection = self._connected(url, deadline)
        expired = threading.Event()
        # A socket's timeout applies to each read; a slow site could send bytes for ever.
        watch = threading.Timer(deadline - time.monotonic(), _expire, [connection.sock, expired])
        watch.daemon = True
        watch.start()
        try:
            response = _received(connection, url, limit)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(error, ssl.SSLCertVerificationError):
                raise NotFetched("certificate", f"{url}: {error.verify_message}") from error
            late = expired.is_set() or isinstance(error, TimeoutError)
            fault = f"no response within {SECONDS:g} s" if late else _fault(error)
            raise NotFetched("timeout" if late else "connection", f"{url}: {fault}") from error
        finally:
            watch.cancel()
            connection.close()
        if expired.is_set():
            raise NotFetched("timeout", f"{url}: no complete response within {SECONDS:g} s")
        return response

    def _connected(self, url: str, deadline: float) -> http.client.HTTPConnection:
        """Return a connection to the host. Raises NotFetched if its address is refused."""
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        host = hostname_of(url)
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NotFetched("unknown-host", f"{url}: no such host") from error
        addresses = [str(info[4][0]) for info in infos]
        public = [is_public(address) for address in addresses]
        # A private host is contacted only if its name is private too, and no public host was
        # contacted before: a public name with a private address is a mistake or an attack.
        private_run = is_private(host) and not self._was_public and not any(public)
        if not all(public) and not private_run:
            raise NotFetched(
                "private-address", f"{url}: host resolves to a private address; refused", _INSIDE
            )
        self._was_public = self._was_public or all(public)
        for address in addresses[:3]:
            try:
                budget = max(deadline - time.monotonic(), 0.01)
                raw = socket.create_connection((address, port), timeout=budget)
            except OSError:
                continue
            return _over(raw, parts.scheme, host, port)
        raise NotFetched("connection", f"{url}: cannot connect to {parts.netloc}")


def _fault(error: Exception) -> str:
    """Return the message of an error, without text that a server sent instead of HTTP."""
    is_protocol_error = isinstance(error, http.client.HTTPException)
    if is_protocol_error and not isinstance(error, OSError):
        return "the response is not HTTP"
    return str(error) or repr(error)


def _at(url: str, path: str) -> str:
    """Return the URL of a path on a URL's host; an invalid URL if the given one is invalid."""
    return absolute(url, path) or urljoin(url, path)


def _absolute(base: str, url: str) -> str:
    """Return an absolute URL. Raises NotFetched if it is invalid, too long, or not HTTP."""
    absolute_url = absolute(base, url)
    if absolute_url is None or len(absolute_url) > MAX_ADDRESS:
        raise NotFetched(
            "bad-address", f"{url[:200]}: not a web address", "write it as https://HOST/PATH"
        )
    return absolute_url


def _over(raw: socket.socket, scheme: str, host: str, port: int) -> http.client.HTTPConnection:
    """Return an HTTP connection over a connected socket."""
    connection = http.client.HTTPConnection(host, port)
    connection.sock = raw
    if scheme == "https":
        context = ssl.create_default_context()
        connection.default_port = DEFAULT_PORTS["https"]
        connection.sock = context.wrap_socket(
            raw, server_hostname=host, do_handshake_on_connect=False
        )
    return connection


def _expire(sock: socket.socket, expired: threading.Event) -> None:
    """Shut down a connection at its deadline, which also ends a blocked read."""
    expired.set()
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _received(connection: http.client.HTTPConnection, url: str, limit: int) -> Response:
    if isinstance(connection.sock, ssl.SSLSocket):
        connection.sock.do_handshake()
    parts = urlsplit(url)
    path = (parts.path or "/") + f"?{parts.query}" * bool(parts.query)
    connection.request("GET", path, headers={"Host": host_of(url) or "", **_HEADERS})
    received = connection.getresponse()
    body, is_broken = _read(received, limit + 1)
    if limit == READ_LIMIT and len(body) > limit and is_image(body):
        limit = PICTURE_LIMIT
        more, is_broken = _read(received, limit + 1 - len(body))
        body += more
    notes = [f"longer than {limit >> 20} MiB, read up to there"] if len(body) > limit else []
    if not notes and (received.length or is_broken):
        notes.append("the connection closed before the response was complete")
    lines = tuple(
        (name, _plain(str(value)))
        for name, value in received.headers.items()
        # http.client has joined the chunks.
        if name.lower() != "transfer-encoding"
    )
    return Response(url, lines, body[:limit], received.status, tuple(notes), cut=bool(notes))


def _read(received: http.client.HTTPResponse, most: int) -> tuple[bytes, bool]:
    """Return at most `most` bytes, and whether a chunked body is truncated."""
    try:
        return received.read(most), False
    except http.client.IncompleteRead as error:
        return error.partial, True


def _plain(value: str) -> str:
    """Return a field's value on one line, decoded as UTF-8 where it is."""
    return text_of(" ".join(value.split()).encode("latin-1", "replace"))
