"""A small threading web server: for the page, if there is no WSGI server, and for metrics.

It bounds the connections at a time and the seconds of each; for more, put a proxy before it.
"""

from __future__ import annotations

import signal
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

from registry.errors import ServiceUnavailable
from registry.terminal import say_fault

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

# Connections at a time; seconds of one, and of silence in it.
MOST_CONNECTIONS = 64
MOST_SECONDS = 30.0
SILENT_SECONDS = 10.0
# Seconds that requests in progress may take after a signal, and between two looks at signals.
DRAIN = 3.0
TICK = 0.1


class _Answering(ServerHandler):
    server_software = "OptoutRegistry"

    def log_exception(self, exc_info: Any) -> None:
        say_fault()


class _Handler(WSGIRequestHandler):
    timeout = SILENT_SECONDS

    def handle(self) -> None:
        """Answer the one request of a connection."""
        self.raw_requestline = self.rfile.readline(65537)
        if len(self.raw_requestline) > 65536:
            self.requestline = self.request_version = self.command = ""
            self.send_error(414)
            return
        if not self.parse_request():
            return
        assert isinstance(self.server, PageServer)
        with self.server.answering():
            answering = _Answering(
                self.rfile,
                self.wfile,  # type: ignore[arg-type]
                self.get_stderr(),
                self.get_environ(),
                multithread=True,
            )
            answering.request_handler = self  # type: ignore[attr-defined]
            answering.run(self.server.page)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name of its base)
        """Log nothing: the application logs what matters."""


class PageServer(socketserver.ThreadingMixIn, WSGIServer):
    """Answers each connection in a thread, within the bounds above."""

    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, host: str, port: int, application: WSGIApplication) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.page = application
        self._lock = threading.Lock()
        self._open: dict[Any, float] = {}
        self._answering = 0
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind, without the look-up of the name that the base class makes."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection in a thread; close it at once if there are too many."""
        with self._lock:
            is_full = len(self._open) >= MOST_CONNECTIONS
            if not is_full:
                self._open[request] = time.monotonic()
        if is_full:
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End connections that take too long."""
        oldest = time.monotonic() - MOST_SECONDS
        with self._lock:
            late = [request for request, began in self._open.items() if began < oldest]
        for request in late:
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print an error; a connection that was lost is none."""
        if not isinstance(sys.exception(), OSError):
            say_fault()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count the requests in progress."""
        with self._lock:
            self._answering += 1
        try:
            yield
        finally:
            with self._lock:
                self._answering -= 1

    def drain(self) -> None:
        """Wait for the requests in progress, at most DRAIN seconds."""
        until = time.monotonic() + DRAIN
        while self._answering and time.monotonic() < until:
            time.sleep(TICK)


def serve(
    application: WSGIApplication, host: str, port: int, started: Callable[[int], None]
) -> None:
    """Serve until SIGTERM or SIGINT. `started` is called with the port that it listens on.

    Call it in the main thread. Raises ServiceUnavailable if the address cannot be listened on.
    """
    with _opened(application, host, port, "--listen") as server, _stopped_by_signals(server):
        started(server.server_port)
        server.serve_forever(TICK)
        server.drain()


@contextmanager
def served_beside(application: WSGIApplication, host: str, port: int, option: str) -> Iterator[int]:
    """Serve in a thread until the block ends; yield the port that it listens on.

    Raises ServiceUnavailable, which names the option, if the address cannot be listened on.
    """
    with _opened(application, host, port, option) as server:
        thread = threading.Thread(target=server.serve_forever, args=(TICK,), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
            server.drain()


def _opened(application: WSGIApplication, host: str, port: int, option: str) -> PageServer:
    try:
        return PageServer(host, port, application)
    except (OSError, OverflowError) as error:
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        reason = getattr(error, "strerror", None) or error
        raise ServiceUnavailable(
            f"{where}: {reason}", f"give another address to {option}"
        ) from error


@contextmanager
def _stopped_by_signals(server: PageServer) -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        # It waits for the loop, which this thread runs.
        threading.Thread(target=server.shutdown, daemon=True).start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
