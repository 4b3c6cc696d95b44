"""The sample art site's web server: loopback only, standard library only.

    with SampleSite() as site:
        ...  # site.url, site.cdn_url, site.other_url, site.requests

It has three hosts, distinguished by the `Host` header: the art site, its image host
(`cdn`), and somebody else's site (`other`). Each is a folder under
`demo/site/`. In HTML, XML and text files `{{site}}`, `{{cdn}}` and `{{other}}`
are replaced by the hosts with their port.

`python -m demo.server [--port N]` serves until Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from email.message import Message
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from demo.content import ROOT, Content, Headers, SiteResponse, content_type, filled
from demo.faults import Fault, drip, fault
from registry.errors import ServiceUnavailable

# All of 127.0.0.0/8 is loopback on Linux; elsewhere name other hosts.
HOSTS = {"site": "127.0.0.1", "cdn": "127.0.0.2", "other": "127.0.0.3"}
LAST_MODIFIED = "Sun, 01 Mar 2026 12:00:00 GMT"
PORT_TRIES = 20
# Seconds after which a listener notices that it shall stop.
POLL_SECONDS = 0.02


class PortInUse(ServiceUnavailable):
    """The port, or one of the loopback addresses, is not available."""

    hint = "stop the process that uses it, or choose another port (0: any free one)"


class Request(NamedTuple):
    """One request to the server; `host` without the port, `path` with the query.

    `at` is the time of its arrival in seconds of the monotonic clock.
    """

    method: str
    host: str
    path: str
    user_agent: str
    status: int
    at: float = 0.0


def _unchanged(headers: Message, etag: str) -> bool:
    """Return whether the client's copy is still valid (RFC 9110, section 13.2.2)."""
    tags = headers.get("If-None-Match")
    if tags is not None:
        known = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        return etag in known or "*" in known
    since = headers.get("If-Modified-Since")
    if since is None:
        return False
    with suppress(ValueError, TypeError):
        return parsedate_to_datetime(since) >= parsedate_to_datetime(LAST_MODIFIED)
    return False


class SampleSite:
    """The sample art site on loopback, as a context manager.

    `port` 0 takes a free one. `hosts` maps `site`, `cdn` and `other` to names
    that resolve to loopback addresses. `delay` (seconds, may be set at any
    time) is the pause before each response. `requests` lists the requests
    in the order of their responses. Raises PortInUse.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        hosts: Mapping[str, str] | None = None,
        delay: float = 0.0,
        root: Path = ROOT,
    ) -> None:
        """Store the settings; the ports are bound when the `with` block is entered."""
        self.hosts = {**HOSTS, **(hosts or {})}
        self.delay = delay
        self.requests: list[Request] = []
        self._root = root
        self._asked_port = port
        self._content = Content(root)
        self._replaced: dict[tuple[str, str], SiteResponse] = {}
        self._listeners: list[_Listener] = []
        self._stopping = threading.Event()

    def __enter__(self) -> SampleSite:
        """Bind the addresses, and serve in the background."""
        self._stopping.clear()
        self._listeners = self._bound()
        for listener in self._listeners:
            listener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving, close every connection and wait for the threads."""
        self._stopping.set()
        for listener in self._listeners:
            listener.stop()
        self._listeners = []

    @property
    def port(self) -> int:
        """Return the port all hosts are served on."""
        return int(self._listeners[0].server_address[1])

    def netloc(self, role: str) -> str:
        """Return host and port of `site`, `cdn` or `other`."""
        return f"{self.hosts[role]}:{self.port}"

    @property
    def url(self) -> str:
        """Return the art site's address without a trailing slash."""
        return f"http://{self.netloc('site')}"

    @property
    def cdn_url(self) -> str:
        """Return the image host's address without a trailing slash."""
        return f"http://{self.netloc('cdn')}"

    @property
    def other_url(self) -> str:
        """Return the third party's address without a trailing slash."""
        return f"http://{self.netloc('other')}"

    def truth(self) -> dict[str, Any]:
        """Return `site/truth.json` with this site's hosts filled in."""
        text = (self._root / "truth.json").read_text("utf-8")
        found: dict[str, Any] = json.loads(filled(text, self._netlocs()))
        return found

    def replace(
        self,
        path: str,
        body: bytes,
        *,
        role: str = "site",
        status: int = 200,
        headers: Headers = (),
    ) -> None:
        """Replace the response of a path, for example to add, change or remove a mark."""
        response = SiteResponse(status, (("Content-Type", content_type(path)), *headers), body)
        self._replaced[role, path] = response

    def restore(self) -> None:
        """Undo every `replace`."""
        self._replaced.clear()

    def _bound(self) -> list[_Listener]:
        """Bind one port on every address; with port 0, try until one is free on all."""
        try:
            addresses = sorted({socket.gethostbyname(host) for host in self.hosts.values()})
        except OSError as error:
            raise PortInUse(f"a host name of the sample site is unknown: {error}") from error
        for _ in range(1 if self._asked_port else PORT_TRIES):
            listeners: list[_Listener] = []
            try:
                for address in addresses:
                    port = listeners[0].server_address[1] if listeners else self._asked_port
                    listeners.append(_Listener((address, port), self))
            except (OSError, OverflowError) as error:
                problem = error
                for listener in listeners:
                    listener.server_close()
            else:
                return listeners
        where = f"port {self._asked_port} of " if self._asked_port else ""
        raise PortInUse(f"cannot listen on {where}{', '.join(addresses)}: {problem}") from problem

    def _role(self, host: str) -> str:
        """Return the site of a host name; the art site for unknown names."""
        return next((role for role, name in self.hosts.items() if name == host), "site")

    def hesitate(self) -> None:
        """Wait for `delay`, or until the site stops serving."""
        if self.delay:
            self._stopping.wait(self.delay)

    def answer(self, host: str, target: str) -> SiteResponse | Fault:
        """Return the response to a GET of one request target."""
        role, path = self._role(host), urlsplit(target).path
        if (role, path) in self._replaced:
            return self._replaced[role, path]
        if role == "site" and path.startswith("/faults/"):
            found = fault(path, (self._root / "www/pictures/moon.jpg").read_bytes())
            if found:
                return found
        return self._content.answer(role, target, self._netlocs())

    def _netlocs(self) -> dict[str, str]:
        return {name: self.netloc(name) for name in self.hosts}


class _Listener(ThreadingHTTPServer):
    """Listens on one address. It keeps a list of open connections, to end them when it stops."""

    daemon_threads = False

    def __init__(self, address: tuple[str, int], site: SampleSite) -> None:
        self.site = site
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self.serve_forever, args=(POLL_SECONDS,), daemon=True
        )
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without the look-up of the host's full name, which may use the network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, end every connection and wait for its thread."""
        self.shutdown()
        self._thread.join()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, then serve it in a thread."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect early; report other errors as Python does."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD."""

    server: _Listener
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes; Nagle's algorithm would delay the second by 40 ms.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Send headers and body."""
        self._respond()

    def do_HEAD(self) -> None:
        """Send only the headers."""
        self._respond()

    def version_string(self) -> str:
        """Return the value of the `Server` header."""
        return "sample-site"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        """Print nothing: `requests` is the log."""

    def _respond(self) -> None:
        site = self.server.site
        self._arrived = time.monotonic()
        site.hesitate()
        host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        response = site.answer(host, self.path)
        if isinstance(response, Fault):
            self._log(host, response.status)
            self._send_fault(response)
            return
        etag = f'"{sha256(response.body).hexdigest()[:16]}"'
        unchanged = response.status == HTTPStatus.OK and _unchanged(self.headers, etag)
        status = HTTPStatus.NOT_MODIFIED if unchanged else response.status
        self._log(host, status)
        self._start(status, response.headers)
        if response.status == HTTPStatus.OK:
            self.send_header("ETag", etag)
            self.send_header("Last-Modified", LAST_MODIFIED)
        if not unchanged:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if not unchanged and self.command == "GET":
            self.wfile.write(response.body)

    def _send_fault(self, response: Fault) -> None:
        """Send a faulty response; a wrong declared length ends the connection."""
        self._start(response.status, response.headers)
        wrong_length = response.declared is not None
        length = response.declared if wrong_length else len(response.body)
        self.send_header("Content-Length", str(length))
        self.close_connection = self.close_connection or wrong_length
        self.end_headers()
        if self.command == "GET":
            for piece in drip(response.body) if response.drip else (response.body,):
                self.wfile.write(piece)

    def _start(self, status: int, headers: Headers) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)

    def _log(self, host: str, status: int) -> None:
        agent = self.headers.get("User-Agent") or ""
        request = Request(self.command, host, self.path, agent, status, self._arrived)
        self.server.site.requests.append(request)


def main() -> None:
    """Serve the sample site until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Serve the sample art site on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    try:
        with suppress(KeyboardInterrupt), SampleSite(parser.parse_args().port) as site:
            print(site.url, flush=True)
            threading.Event().wait()
    except PortInUse as error:
        print(f"error: {error.message}\nhint: {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
