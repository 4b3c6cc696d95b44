"""Fetching one page or image and the files of its site, for a person who asks.

As polite as the crawler: under the same product token, robots.txt obeyed before
anything else, one request at a time, no cookies, no proxy. A file that is not there (4xx)
forbids nothing; a robots.txt that cannot be had forbids everything (RFC 9309,
section 2.3.1). An address that is written as one of this machine or network may be
asked for; once a public host was contacted, private addresses are refused, and so
are they under any public name.
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
from registry.evidence.responses import PICTURE_LIMIT, READ_LIMIT, Response, unpacked
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
    """Something on the web could not be had; `reason` is a short word or two for it."""

    hint = _SAVE_IT

    def __init__(self, reason: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.reason = reason


class ClosedByRobots(NotFetched):
    """The robots.txt of the host of `url` keeps us out; redirects may have led there."""

    def __init__(self, url: str) -> None:
        host = urlsplit(url).netloc
        message = f"{url}: not fetched, the robots.txt of {host} closes it to {PRODUCT_TOKEN}"
        super().__init__("robots-txt", message)
        self.url = url


@dataclass(frozen=True, slots=True)
class _Rules:
    """A host's robots.txt, as evidence and as what it means; `why` says why it cannot be had."""

    piece: Piece
    answer: robots.RobotsAnswer
    why: str = ""


class Visitor:
    """Fetches for one target; remembers the robots.txt of every host it asks."""

    def __init__(self) -> None:
        """Begin at home: the first address may be one of this machine."""
        self._rules: dict[str, _Rules] = {}
        self._was_public = False
        # By host: what it answered when it asked to be left alone.
        self._refused: dict[str, str] = {}

    def fetch(self, url: str) -> Response:
        """Fetch a page or an image; its `url` is where redirects have led.

        ClosedByRobots where a robots.txt forbids it, NotFetched for all else.
        """
        response = self._follow(url, READ_LIMIT, obey=True)
        if response.status is None or not 200 <= response.status < 300:
            said = self._refused.get(urlsplit(response.url).netloc, f"answered {response.status}")
            raise NotFetched(f"http-{response.status}", f"{url}: {said}")
        return response

    def robots(self, url: str) -> Piece:
        """Return the robots.txt of a URL's host, or why there is none."""
        return self._rules_of(url).piece

    def site_files(self, url: str) -> list[Piece]:
        """Return the files of a URL's host that may hold marks, or why there are none."""
        wanted = carriers().asked_for(shows_pages=True)
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
        place = _at(url, "/robots.txt")
        if place not in self._rules:
            self._rules[place] = self._read_rules(place)
        return self._rules[place]

    def _read_rules(self, place: str) -> _Rules:
        try:
            response = self._follow(place, robots.READ_BYTES, obey=False)
        except NotFetched as error:
            piece = Piece(Evidence(robots.CARRIER, "site", place), refusal=error.reason)
            why = f"{error.reason}: {error.message.removeprefix(f'{place}: ')}"
            return _Rules(piece, robots.failed(error.reason), why)
        answer = robots.answer_to(response)
        piece = site_file_piece(robots.CARRIER, replace(response, url=place))
        said = self._refused.get(urlsplit(response.url).netloc, "")
        why = ", ".join(answer.warnings) or answer.refusal or ""
        return _Rules(piece, answer, f"{why}: it {said}" if said else why)

    def _follow(self, url: str, limit: int, *, obey: bool) -> Response:
        url = _address(url, url)
        for _ in range(MAX_REDIRECTS + 1):
            if obey:
                self._refuse_closed(url)
            response = self._polite(url, limit)
            target = response.field("location")
            if response.status not in _REDIRECTS or not target:
                return unpacked(response)
            url = _address(url, target)
        raise NotFetched("redirect-loop", f"{url}: more than {MAX_REDIRECTS} redirects")

    def _polite(self, url: str, limit: int) -> Response:
        """Make one request, if the host has not asked to be left alone; NotFetched if it has."""
        host = urlsplit(url).netloc
        if host in self._refused:
            why = f"{url}: not fetched, {host} {self._refused[host]}"
            raise NotFetched("too-many-requests", why, "try again then")
        response = self._get(url, limit)
        if response.status in REFUSALS:
            wait = retry_after(response.field("retry-after"), datetime.now(UTC))
            asks = f" and asks to wait {wait:.0f} s" if wait else ""
            self._refused[host] = f"answered {response.status}{asks}"
        return response

    def _refuse_closed(self, url: str) -> None:
        rules = self._rules_of(url)
        if rules.answer.stay_away:
            host = urlsplit(url).netloc
            message = f"{url}: not fetched, the robots.txt of {host} cannot be had"
            raise NotFetched(rules.answer.refusal or "truncated", f"{message} ({rules.why})")
        if not rules.answer.allows(url, PRODUCT_TOKEN):
            raise ClosedByRobots(url)

    def _get(self, url: str, limit: int) -> Response:
        """Make one request; NotFetched for whatever goes wrong with it."""
        deadline = time.monotonic() + SECONDS
        connection = self._connected(url, deadline)
        expired = threading.Event()
        # A timeout of the socket is one for each read; a site may drip for ever.
        watch = threading.Timer(deadline - time.monotonic(), _cut, [connection.sock, expired])
        watch.daemon = True
        watch.start()
        try:
            response = _answer(connection, url, limit)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(error, ssl.SSLCertVerificationError):
                raise NotFetched("certificate", f"{url}: {error.verify_message}") from error
            late = expired.is_set() or isinstance(error, TimeoutError)
            said = f"no answer within {SECONDS:g} s" if late else _fault(error)
            raise NotFetched("timeout" if late else "connection", f"{url}: {said}") from error
        finally:
            watch.cancel()
            connection.close()
        if expired.is_set():
            raise NotFetched("timeout", f"{url}: no whole answer within {SECONDS:g} s")
        return response

    def _connected(self, url: str, deadline: float) -> http.client.HTTPConnection:
        """Resolve the host, refuse what is private behind what is public, and connect."""
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        host = hostname_of(url)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NotFetched("unknown-host", f"{url}: no such host") from error
        addresses = [str(info[4][0]) for info in found]
        public = [is_public(address) for address in addresses]
        # Only an address that is written as a private one is asked for, as long as nothing
        # public was: a public name of a private address points inside, by mistake or on purpose.
        at_home = is_private(host) and not self._was_public and not any(public)
        if not all(public) and not at_home:
            raise NotFetched(
                "private-address", f"{url}: host resolves to a private address; refused", _INSIDE
            )
        self._was_public = self._was_public or all(public)
        for address in addresses[:3]:
            try:
                room = max(deadline - time.monotonic(), 0.01)
                raw = socket.create_connection((address, port), timeout=room)
            except OSError:
                continue
            return _over(raw, parts.scheme, host, port)
        raise NotFetched("connection", f"{url}: {parts.netloc} does not answer")


def _fault(error: Exception) -> str:
    """Say what is wrong; what a server wrote that is no HTTP is not repeated."""
    foreign = isinstance(error, http.client.HTTPException) and not isinstance(error, OSError)
    return "what it answered is not HTTP" if foreign else str(error) or repr(error)


def _at(url: str, path: str) -> str:
    """Return where a file of a URL's host is; for what is no URL, a text that names none."""
    return absolute(url, path) or urljoin(url, path)


def _address(base: str, url: str) -> str:
    """Return the address that a URL means at a base; NotFetched for what is none of the web."""
    found = absolute(base, url)
    if found is None or len(found) > MAX_ADDRESS:
        raise NotFetched(
            "bad-address", f"{url[:200]}: not a web address", "write it as https://HOST/PATH"
        )
    return found


def _over(raw: socket.socket, scheme: str, host: str, port: int) -> http.client.HTTPConnection:
    """Return an HTTP connection over a socket that is connected already."""
    connection = http.client.HTTPConnection(host, port)
    connection.sock = raw
    if scheme == "https":
        context = ssl.create_default_context()
        connection.default_port = DEFAULT_PORTS["https"]
        connection.sock = context.wrap_socket(
            raw, server_hostname=host, do_handshake_on_connect=False
        )
    return connection


def _cut(sock: socket.socket, expired: threading.Event) -> None:
    """End a connection whose time is over; the read that waits for it ends too."""
    expired.set()
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _answer(connection: http.client.HTTPConnection, url: str, limit: int) -> Response:
    if isinstance(connection.sock, ssl.SSLSocket):
        connection.sock.do_handshake()
    parts = urlsplit(url)
    path = (parts.path or "/") + f"?{parts.query}" * bool(parts.query)
    connection.request("GET", path, headers={"Host": host_of(url) or "", **_HEADERS})
    answer = connection.getresponse()
    body, is_broken = _read(answer, limit + 1)
    if limit == READ_LIMIT and len(body) > limit and is_image(body):
        limit = PICTURE_LIMIT
        more, is_broken = _read(answer, limit + 1 - len(body))
        body += more
    notes = [f"longer than {limit >> 20} MiB, read up to there"] if len(body) > limit else []
    if not notes and (answer.length or is_broken):
        notes.append("the connection ended before the answer did")
    lines = tuple(
        (name, _plain(str(value)))
        for name, value in answer.headers.items()
        # http.client has joined the chunks already.
        if name.lower() != "transfer-encoding"
    )
    return Response(url, lines, body[:limit], answer.status, tuple(notes), cut=bool(notes))


def _read(answer: http.client.HTTPResponse, most: int) -> tuple[bytes, bool]:
    """Return at most so many bytes, and whether chunks broke off before their end."""
    try:
        return answer.read(most), False
    except http.client.IncompleteRead as error:
        return error.partial, True


def _plain(value: str) -> str:
    """Return a field's value on one line, in the characters that were meant."""
    return text_of(" ".join(value.split()).encode("latin-1", "replace"))
