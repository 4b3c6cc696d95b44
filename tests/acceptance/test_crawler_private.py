"""Names of private addresses, and sites of IPv6 only, by the installed crawler."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from crawling import observed

from demo.server import SampleSite

BIN = Path(sys.executable).parent
CAT = Path("demo/site/www/pictures/cat.jpg").read_bytes()
# Put first on the path of a process: names resolve as RESOLVED says, and nothing else does.
# Their hosts are on this machine, so there is no need for the long pauses that others get.
PATCH = """
import json, os, socket
import crawler.settings
crawler.settings.LEAST_DELAY = 0.05
KNOWN, REAL = json.loads(os.environ["RESOLVED"]), socket.getaddrinfo
def resolve(host, port, *options, **named):
    found = KNOWN.get(host.decode() if isinstance(host, bytes) else host)
    if isinstance(found, str):
        found = [found]
    return [a for name in found or [host] for a in REAL(name, port, *options, **named)]
socket.getaddrinfo = resolve
socket.gethostbyname = lambda host: resolve(host, 80, socket.AF_INET)[0][4][0]
if "PUBLIC" in os.environ:
    from registry.urls import networks
    JUDGED = networks.is_public
    networks.is_public = lambda address: address == os.environ["PUBLIC"] or JUDGED(address)
"""


Visit = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def visit(tmp_path: Path, database_url: str) -> Visit:
    """Run `crawler run` where names resolve as they are told to."""
    (tmp_path / "sitecustomize.py").write_text(PATCH)

    def run(url: str, names: dict[str, object], *options: object, public: str = "") -> Any:
        environment = {
            **os.environ,
            "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}",
            "PUBLIC": public,
            "RESOLVED": json.dumps(names),
            "REGISTRY_DATABASE_URL": database_url,
            "CRAWLER_CONTACT": "mailto:me@art.example",
        }
        command = [BIN / "crawler", "run", url, "--delay", "0.05", "--timeout", "5", "--json"]
        command += ["--max-depth", "0", *map(str, options)]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.mark.parametrize("addresses", ["127.0.0.1", "::ffff:127.0.0.1", ["127.0.0.1", "8.8.8.8"]])
def test_a_start_that_resolves_to_a_private_address_is_refused(
    site: SampleSite, visit: Visit, addresses: object
) -> None:
    ended = visit(f"http://art.example:{site.port}/", {"art.example": addresses})
    assert ended.returncode == 4
    assert "host resolves to a private address; refused" in ended.stderr
    assert "--private" in ended.stderr
    assert "Traceback" not in ended.stderr
    (said,) = json.loads(ended.stdout)["visits"]
    assert said["start_refusal"] == "private-address"
    assert site.requests == []


def test_it_is_visited_where_the_user_says_it_is_private(
    site: SampleSite, visit: Visit, database_url: str
) -> None:
    site.replace("/one.html", b'<img src="/a.jpg">')
    site.replace("/a.jpg", CAT)
    names = {"art.example": "127.0.0.1"}
    ended = visit(f"http://art.example:{site.port}/one.html", names, "--private")
    assert ended.returncode == 0, ended.stderr
    assert [o["refusal"] for o in observed(database_url)] == [None]


def test_a_private_run_visits_no_public_host(visit: Visit) -> None:
    ended = visit("http://art.example/", {"art.example": "8.8.8.8"}, "--private")
    assert ended.returncode == 4
    assert "leave --private out" in ended.stderr


def test_a_public_site_leads_into_no_private_network(
    site: SampleSite, visit: Visit, database_url: str
) -> None:
    """By images and redirects, to addresses and to names of such; 127.0.0.1 is public."""
    names = {"art.example": "127.0.0.1", "trap.example": "127.0.0.2", "six.example": "::1"}
    hosts = ["trap.example", "six.example", "127.2", "[::1]"]
    traps = [f"http://{host}:{site.port}/{n}.jpg" for n, host in enumerate(hosts)]
    for number, trap in enumerate(traps):
        headers = [("Location", trap)]
        site.replace(f"/to{number}.jpg", b"", status=302, headers=headers)
    shown = [*traps, *(f"/to{number}.jpg" for number in range(len(traps)))]
    html = "".join(f'<img src="{url}">' for url in shown)
    site.replace("/one.html", html.encode())
    start = f"http://art.example:{site.port}/one.html"
    ended = visit(start, names, public="127.0.0.1")
    assert ended.returncode == 0, ended.stderr
    assert {o["refusal"] for o in observed(database_url)} == {"private-address"}
    assert {request.host for request in site.requests} == {"art.example"}


class _Site6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = {"/one.html": ("text/html", b'<img src="/a.jpg">'), "/a.jpg": ("image/jpeg", CAT)}
        kind, body = found.get(self.path, ("text/plain", b""))
        self.send_response(200 if self.path in found else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def site6() -> Iterator[int]:
    """Serve a page and its image on `[::1]`; give the port."""
    try:
        server = _Site6(("::1", 0), _Answers)
    except OSError:
        pytest.skip("this machine has no IPv6")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("host", ["[::1]", "[0:0::0001]", "art.example"])
def test_a_site_of_ipv6_only_is_visited(
    site6: int, visit: Visit, database_url: str, host: str
) -> None:
    """By its address, and by a name that has an address of that family only."""
    options = ["--private"] if host == "art.example" else []
    ended = visit(f"http://{host}:{site6}/one.html", {"art.example": "::1"}, *options)
    assert ended.returncode == 0, ended.stderr
    (seen,) = observed(database_url)
    name = host if host == "art.example" else "[::1]"
    assert (seen["image_url"], seen["refusal"]) == (f"http://{name}:{site6}/a.jpg", None)
