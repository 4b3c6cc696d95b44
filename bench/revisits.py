"""Revisits of an unchanged site: requests and bytes beside the first visit's.

    python -m bench.revisits [--pages 100] [--weeks 12]

A site of an index, pages with two pictures each and no change is served on loopback, scheduled
every seven days, and visited by `crawler worker --once` once a week; the weeks pass in the
database. Three servers: one that answers conditional requests, one that sends neither ETag nor
Last-Modified, and one with a feed and a sitemap. Requests and bytes (status line, header and
body) are counted at the server; those to the site files between the weeks too, on their own.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
from PIL import Image

from bench.own_server import own_server
from demo.days import pass_days
from registry.db.migrate import migrate

CRAWLER = Path(sys.executable).with_name("crawler")
WEEK = 7.5
DATE = "Sun, 01 Mar 2026 12:00:00 GMT"


@dataclass(slots=True)
class Site:
    """The bodies of a site by path, and what was sent of it."""

    pages: int
    has_validators: bool = True
    has_guides: bool = False
    bodies: dict[str, bytes] = field(default_factory=dict)
    requests: int = 0
    sent: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def build(self, url: str) -> None:
        """Make the index, the pages, the pictures, and perhaps a feed and a sitemap."""
        works = [f"{url}/works/{number}.html" for number in range(self.pages)]
        links = "".join(f'<li><a href="{work}">Work</a>' for work in works)
        head = '<link rel="alternate" type="application/rss+xml" href="/feed.xml">'
        head = f"<title>All works</title>{head if self.has_guides else ''}"
        self.bodies["/"] = f"<html><head>{head}</head><ul>{links}</ul></html>".encode()
        prose = "<p>" + "About this work, its paper and its ink. " * 100
        for number in range(self.pages):
            images = "".join(f'<img src="/art/{number}-{view}.jpg">' for view in "ab")
            self.bodies[f"/works/{number}.html"] = f"<html><body>{images}{prose}</html>".encode()
            for view in "ab":
                self.bodies[f"/art/{number}-{view}.jpg"] = picture(f"{number}-{view}")
        if self.has_guides:
            entries = "".join(
                f"<url><loc>{work}</loc><lastmod>2026-03-01</lastmod></url>" for work in works
            )
            space = "http://www.sitemaps.org/schemas/sitemap/0.9"
            self.bodies["/sitemap.xml"] = f'<urlset xmlns="{space}">{entries}</urlset>'.encode()
            items = "".join(f"<item><link>{work}</link></item>" for work in works[:10])
            feed = f'<rss version="2.0"><channel>{items}</channel></rss>'
            self.bodies["/feed.xml"] = feed.encode()
        sitemap = f"Sitemap: {url}/sitemap.xml\n" if self.has_guides else ""
        self.bodies["/robots.txt"] = f"User-agent: *\nAllow: /\n{sitemap}".encode()


class Handler(BaseHTTPRequestHandler):
    """Answers GET; counts requests and bytes."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    site: Site

    def do_GET(self) -> None:
        """Send a body, a 304 or a 404."""
        site = self.site
        body = site.bodies.get(self.path)
        tag = f'"{hashlib.sha256(body or b"").hexdigest()[:16]}"'
        is_known = self.headers.get("If-None-Match") == tag and site.has_validators
        status = 404 if body is None else 304 if is_known else 200
        kind = {"html": "text/html", "jpg": "image/jpeg", "xml": "application/xml"}
        lines = [f"HTTP/1.1 {status} Status", "Server: bench"]
        lines.append(f"Content-Type: {kind.get(self.path.rpartition('.')[2], 'text/html')}")
        if site.has_validators and body is not None:
            lines += [f"ETag: {tag}", f"Last-Modified: {DATE}"]
        if status != 304:
            lines.append(f"Content-Length: {len(body or b'')}")
        data = ("\r\n".join(lines) + "\r\n\r\n").encode()
        data += body if status == 200 and body is not None else b""
        with site.lock:
            site.requests += 1
            site.sent += len(data)
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        """Print nothing."""


def picture(name: str) -> bytes:
    """Return a JPEG of about 30 kilobytes that is the same for each name."""
    rng = random.Random(name)
    pixels = Image.frombytes("RGB", (40, 30), rng.randbytes(40 * 30 * 3))
    file = io.BytesIO()
    pixels.resize((640, 480), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


@contextmanager
def served(site: Site) -> Iterator[str]:
    """Serve a site on loopback; yield its URL."""
    handler: Any = type("SiteHandler", (Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    site.build(url)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()


def visited(url: str, site: Site) -> tuple[int, int]:
    """Make the visits that are due; return the requests and the bytes sent."""
    site.requests = site.sent = 0
    environment = os.environ | {"REGISTRY_DATABASE_URL": url}
    command = [str(CRAWLER), "worker", "--once"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr.decode())
    return site.requests, site.sent


def measured(name: str, url: str, site: Site, weeks: int) -> None:
    """Make the first visit, then one a week, and print each beside the first."""
    with served(site) as start, psycopg.connect(url, autocommit=True) as conn:
        command = [str(CRAWLER), "schedule", "add", f"{start}/", "--every", "7d", "--delay", "0"]
        environment = os.environ | {"REGISTRY_DATABASE_URL": url}
        subprocess.run(command, env=environment, check=True, capture_output=True)
        requests, sent = visited(url, site)
        print(f"{name}\n  first visit: {requests} requests, {sent:,} bytes")
        shares = []
        for week in range(1, weeks + 1):
            pass_days(conn, 1.1)
            files = visited(url, site)
            pass_days(conn, WEEK - 1.1)
            pages = visited(url, site)
            shares.append((pages[0] / requests, pages[1] / sent))
            print(
                f"  week {week:2}: {shares[-1][0]:6.1%} of the requests, {shares[-1][1]:6.1%} of "
                f"the bytes; site files alone: {files[0]} requests, {files[1]:,} bytes",
                flush=True,
            )
        most = [max(share[part] for share in shares) for part in (0, 1)]
        mean = [sum(share[part] for share in shares) / weeks for part in (0, 1)]
        print(f"  mean {mean[0]:.1%} and {mean[1]:.1%}, most {most[0]:.1%} and {most[1]:.1%}")


def main() -> None:
    """Measure all three servers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--weeks", type=int, default=12)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-revisits-", dir="/tmp"))
    folder.chmod(0o755)
    sites = {
        "conditional requests are answered": Site(options.pages),
        "no ETag, no Last-Modified": Site(options.pages, has_validators=False),
        "with a feed and a sitemap": Site(options.pages, has_guides=True),
    }
    with own_server(folder) as server:
        for number, (name, site) in enumerate(sites.items()):
            with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
                conn.execute(f"CREATE DATABASE revisits_{number}")
            migrate(server.url(f"revisits_{number}"))
            measured(name, server.url(f"revisits_{number}"), site, options.weeks)


if __name__ == "__main__":
    main()
