"""The small server of the page: connections that take long, and too many of them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pytest

from crawler.owners import server
from crawler.owners.server import PageServer


def hello(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def broken(_environ: Any, _start_response: Any) -> list[bytes]:
    raise RuntimeError("\x1b[31m")


@pytest.fixture
def serving(request: pytest.FixtureRequest) -> Iterator[int]:
    application = getattr(request, "param", hello)
    with PageServer("127.0.0.1", 0, application) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        yield running.server_port
        running.shutdown()
        thread.join()


def opened(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def is_closed(connection: socket.socket) -> bool:
    """Wait until the server has closed a connection."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_connection_that_drips_is_ended(serving: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_SECONDS", 0.3)
    with opened(serving) as connection:
        connection.settimeout(0.05)
        until = time.monotonic() + 30
        ended = False
        while not ended and time.monotonic() < until:
            try:
                connection.sendall(b"G")
                ended = connection.recv(1) == b""
            except TimeoutError:
                pass
            except OSError:
                ended = True
        assert ended


def test_a_silent_connection_is_ended(serving: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server._Handler, "timeout", 0.2)
    with opened(serving) as connection:
        assert is_closed(connection)


def test_more_connections_are_closed(serving: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 2)
    first, second = opened(serving), opened(serving)
    with opened(serving) as third:
        assert is_closed(third)
    first.close()
    second.close()
    until = time.monotonic() + 30
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{serving}/", timeout=30) as answer:
                assert answer.read() == b"hello"
                return
        except OSError:
            assert time.monotonic() < until


@pytest.mark.parametrize("serving", [broken], indirect=True)
def test_a_fault_is_printed_escaped(serving: int, capsys: pytest.CaptureFixture[str]) -> None:
    with opened(serving) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while part := connection.recv(4096):
            answer += part
    assert answer.split(b"\r\n")[0].endswith(b" 500 Internal Server Error")
    assert b"RuntimeError" not in answer
    printed = capsys.readouterr().err
    assert "RuntimeError: \\x1b[31m" in printed
    assert "\x1b" not in printed
