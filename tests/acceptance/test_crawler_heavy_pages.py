"""Pages that take long to read cost themselves: other hosts, the clock and Ctrl-C go on."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from crawling import CRAWLER, observed

CAT = Path("demo/site/www/pictures/cat.jpg").read_bytes()
HEAD = '<meta name="robots" content="noai"><img src="/cat.jpg">'
# Much work for each byte, which few bytes say when they are compressed.
TAGS = (HEAD + "<p>x" * (9 << 18)).encode()
LAZY = f"<p data-bg='{'url(a)' * 100}'>"
SLOW = (HEAD.replace("cat", "slow") + LAZY * (9 * (1 << 20) // len(LAZY))).encode()


class Host(ThreadingHTTPServer):
    """A host that answers after a moment, and remembers who asked when."""

    daemon_threads = True

    def __init__(self, address: str, files: dict[str, bytes], delay: float = 0) -> None:
        super().__init__((address, 0), Handler)
        self.files, self.delay = files, delay
        self.asked: dict[str, float] = {}
        self.url = f"http://{address}:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        time.sleep(self.server.delay)
        self.server.asked[self.path] = time.monotonic()
        body = self.server.files.get(self.path)
        self.send_response(404 if body is None else 200)
        kind = "image/jpeg" if self.path.endswith(".jpg") else "text/html; charset=utf-8"
        packed = gzip.compress(body or b"", 1)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        self.wfile.write(packed)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(host: Host) -> Iterator[Host]:
    thread = threading.Thread(target=host.serve_forever, args=[0.05])
    thread.start()
    try:
        yield host
    finally:
        host.shutdown()
        thread.join()
        host.server_close()


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """The visited host, and ten others that answer slowly."""
    with ExitStack() as stack:
        # All of 127.0.0.0/8 is this machine on Linux; elsewhere ports tell the hosts apart.
        linux = sys.platform == "linux"
        addresses = [f"127.0.0.{n if linux else 1}" for n in range(1, 12)]
        yield [
            stack.enter_context(served(Host(address, {"/cat.jpg": CAT}, 0.2 * (number > 0))))
            for number, address in enumerate(addresses)
        ]


def site(pages: dict[str, bytes], others: list[Host]) -> dict[str, bytes]:
    """Return a site whose first page leads to pages, and shows an image of each other host."""
    links = "".join(f'<a href="{path}">' for path in [*pages, "/last"])
    images = "".join(f'<img src="{host.url}/cat.jpg">' for host in others)
    last = b'<img src="/cat.jpg">'
    return {"/": (links + images).encode(), "/cat.jpg": CAT, "/last": last, **pages}


def test_ten_hosts_are_done_on_time_beside_pages_of_many_tags(
    hosts: list[Host], database_url: str
) -> None:
    visited, *others = hosts
    heavy = {f"/{number}": (TAGS if number < 2 else SLOW) for number in range(8)}
    visited.files.update(site(heavy, others))
    started = time.monotonic()
    ended = subprocess.run(
        [CRAWLER, "run", visited.url + "/", "--delay", "0", "--max-seconds", "8", "--json"],
        env={**os.environ, "REGISTRY_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    assert time.monotonic() - started < 40
    assert max(host.asked["/cat.jpg"] for host in others) - started < 20
    said = json.loads(ended.stdout)
    assert said["left"]["tags"] > 1_000_000
    assert "limit" in said["pages_refused"]
    shown = {o["image_url"]: o["refusal"] for o in observed(database_url)}
    assert [shown[f"{host.url}/cat.jpg"] for host in others] == [None] * 10


LOW = """
from crawler.visit import readers
from registry.sandbox import CallLimits
readers.PAGE_LIMITS = CallLimits(1.0, 1 << 30)
from crawler.cli import main
main()
"""


def test_the_marks_of_a_page_that_takes_too_long_are_kept(
    hosts: list[Host], database_url: str
) -> None:
    visited = hosts[0]
    visited.files.update(site({"/slow": SLOW}, []))
    ended = subprocess.run(
        [sys.executable, "-c", LOW, "run", visited.url + "/", "--delay", "0", "--json"],
        env={**os.environ, "REGISTRY_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)
    assert said["pages_refused"] == said["refused"] == {"page-too-complex": 1}
    assert said["pages"] == 2
    assert said["marks"]["noai"] == 1
    found = {o["page_url"].rpartition("/")[2]: o for o in observed(database_url)}
    assert {page: o["refusal"] for page, o in found.items()} == {
        "slow": "page-too-complex",
        "last": None,
    }
    assert len(found["slow"]["evidence"]) == 2


def test_ctrl_c_ends_a_visit_while_pages_are_read(hosts: list[Host], database_url: str) -> None:
    visited = hosts[0]
    visited.files.update(site({f"/{number}": SLOW for number in range(8)}, []))
    process = subprocess.Popen(
        [CRAWLER, "run", visited.url + "/", "--delay", "0", "--json"],
        env={**os.environ, "REGISTRY_DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while len(visited.asked) < 6 and process.poll() is None:
            time.sleep(0.05)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert json.loads(stdout)["visits"][0]["state"] == "interrupted"
