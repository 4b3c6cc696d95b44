"""One spelling of a host: whoever is given a URL makes the same host of it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from types import SimpleNamespace

import pyarrow as pa
import pytest
from made import Made

from registry.urls.absolute import absolute
from registry.urls.columns import hosts_of_keys, url_keys
from registry.urls.key import host_of, hostname_of, split_key, url_key

# As it is written: as everybody has it, with the port unless that is the scheme's own.
SPELLINGS = [
    ("http://art.example", "art.example"),
    ("HTTP://ART.Example.", "art.example"),
    ("http://art.example:80", "art.example"),
    ("https://art.example:0443", "art.example"),
    ("http://art.example:8080", "art.example:8080"),
    ("https://me:secret@art.example", "art.example"),
    ("http://my_host.example", "my_host.example"),
    ("https://faß.de", "xn--fa-hia.de"),
    ("https://fass.de", "fass.de"),
    ("https://βόλος.com", "xn--nxasmm1c.com"),
    ("https://BÜCHER.example", "xn--bcher-kva.example"),
    ("https://b%C3%BCcher.example", "xn--bcher-kva.example"),
    ("https://xn--bcher-kva.example", "xn--bcher-kva.example"),
    ("https://例え。テスト", "xn--r8jz45g.xn--zckzah"),
    ("https://\N{PILE OF POO}.example", "xn--ls8h.example"),
    ("https://i\N{HEAVY BLACK HEART}.ws", "xn--i-7iq.ws"),
    ("https://\uff21\uff32\uff34.example", "art.example"),
    ("http://[2001:DB8:0::1]", "[2001:db8::1]"),
    ("http://[2001:db8:0:0:0:0:0:1]:8443", "[2001:db8::1]:8443"),
    ("http://[::FFFF:192.0.2.1]", "[::ffff:c000:201]"),
    ("http://127.1", "127.0.0.1"),
    ("http://0x7f.0.0.1:8080", "127.0.0.1:8080"),
    ("http://\u2460\u2461\u2466.0.0.1", "127.0.0.1"),
]


def _of_robots(url: str) -> str | None:
    from registry.urls.paths import robots_url

    return robots_url(url + "/a").removesuffix("/robots.txt").partition("://")[2]


def _of_rsl(url: str) -> str | None:
    from registry.model import Evidence
    from registry.signals import rsl

    text = (
        f'<rsl xmlns="https://rslstandard.org/rsl"><content url="{url}/a"><license>'
        '<prohibits type="usage">ai-train</prohibits></license></content></rsl>'
    )
    read = rsl.read(Evidence("rsl-xml", "site", "https://else.example/rsl.xml", text=text))
    (signal,) = read.signals
    assert signal.rule is not None
    return signal.rule.host


def _of_tdmrep(url: str) -> str | None:
    """Return the host of the file whose entry for this URL is taken for the file's own."""
    from registry.model import Evidence
    from registry.signals import tdmrep

    text = json.dumps([{"location": f"{url}/a", "tdm-reservation": 1}])
    host = host_of(url)
    scheme = url.partition(":")[0].lower()
    where = f"{scheme}://{host}/.well-known/tdmrep.json"
    signals = tdmrep.read(Evidence("tdmrep-json", "site", where, text=text)).signals
    return host if len(signals) == 1 else None


def _of_site_rules(url: str) -> str | None:
    """Return the host on which a rule limited to it is applied to an image at this URL."""
    from registry.model import PathRule, Signal, Target
    from registry.verdict.site_rules import applicable

    host = host_of(url)
    signal = Signal(
        *("rsl", "rsl", "rsl-xml", "site"),
        raw="x",
        url=f"https://{host}/x" if host else "",
        uses=(("train", "reserved"),),
        rule=PathRule("/", "all", 0, host),
    )
    return host if applicable((signal,), Target(f"{url}/a.jpg")) else None


def _of_a_claim(url: str) -> str | None:
    from registry.claims.rows import claim_from_row

    return claim_from_row({"site": url.replace("me:secret@", "")}, "a list").site


def _of_a_plan(url: str) -> str | None:
    from crawler.plan import plan

    return plan(url.replace("me:secret@", "")).host


def _of_a_site_file(url: str) -> str | None:
    from crawler.visit.site_files import SiteFileUrls

    wanted = SiteFileUrls().about_image(absolute(url, url) or "", ())
    (host,) = {one.host for one in wanted} | {host_of(one.url) for one in wanted}
    return host


def _of_an_image(url: str) -> str | None:
    from found import find_images

    (image,) = find_images(f'<img src="{url}/a.jpg">', "https://art.example/")
    return image.url.partition("://")[2].partition("/")[0]


def _of_a_link(url: str) -> str | None:
    from found import find_links

    (link,) = find_links(f'<a href="{url}/a">x</a>', "https://art.example/")
    return link.url.partition("://")[2].partition("/")[0]


def _of_a_request(url: str) -> str | None:
    """Return the host that Scrapy asks once a redirect has named it."""
    from scrapy import Request
    from scrapy.http import Response
    from test_urls_private import _redirected

    from crawler.manners.bounds import BoundsMiddleware
    from crawler.manners.destination import DestinationMiddleware

    asked = Request("https://art.example/", meta={"kind": "image"})
    answer = Response(asked.url, 302, headers={"Location": f"{url}/a".encode()})
    answer = DestinationMiddleware().process_response(asked, answer)
    request = _redirected(answer, asked)
    spider = SimpleNamespace(visit=SimpleNamespace(is_private=True))
    bounds = BoundsMiddleware(SimpleNamespace(spider=spider))  # type: ignore[arg-type]
    request = bounds.process_request(request) or request  # type: ignore[arg-type]
    return request.url.partition("://")[2].partition("/")[0]  # type: ignore[attr-defined]


def _of_explain(url: str) -> str | None:
    """Return the host that `registry explain` connects to and names, which are one."""
    from registry.sources import fetch

    asked: list[str] = []
    sent: list[dict[str, str]] = []

    def resolved(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        return [(None, None, None, "", ("8.8.8.8", port))]

    class Connection:
        sock = None

        def request(self, _method: str, _path: str, headers: dict[str, str]) -> None:
            sent.append(headers)
            raise OSError("nobody there")

        def close(self) -> None:
            return

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolved)
        patch.setattr(socket, "create_connection", lambda *_, **__: None)
        patch.setattr(fetch, "_over", lambda *_: Connection())
        patch.setattr(fetch, "is_private", lambda _: False)
        with pytest.raises(fetch.NotFetched):
            fetch.Visitor().fetch(f"{url}/a")
    assert set(asked) == {hostname_of(url)}
    return sent[0]["Host"]


def _of_an_archive(url: str) -> str | None:
    from registry.urls.paths import url_host

    return url_host(f"{url}/a")


CALLERS: dict[str, Callable[[str], str | None]] = {
    "key": lambda url: split_key(url_key(f"{url}/a") or "")[0],
    "host": lambda url: host_of(f"{url}/a?b#c"),
    "column": lambda url: hosts_of_keys(url_keys(pa.array([f"{url}/a"])))[0].as_py(),
    "absolute": lambda url: (absolute(url, url) or "").partition("://")[2],
    "robots.txt": _of_robots,
    "RSL": _of_rsl,
    "TDMRep": _of_tdmrep,
    "site rules": _of_site_rules,
    "claim": _of_a_claim,
    "plan of a visit": _of_a_plan,
    "site file": _of_a_site_file,
    "image on a page": _of_an_image,
    "link on a page": _of_a_link,
    "redirect": _of_a_request,
    "explain": _of_explain,
    "signals and archives": _of_an_archive,
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("url", "host"), SPELLINGS, ids=[host for _, host in SPELLINGS])
def test_everybody_has_the_same_host(url: str, host: str, caller: str) -> None:
    assert CALLERS[caller](url) == host


@pytest.mark.parametrize("recorded", ["[2001:DB8:0::1]", "127.1", "faß.de"])
def test_a_snapshot_finds_the_rules_of_a_host_that_was_recorded_otherwise(
    recorded: str, tmp_path: object
) -> None:
    """Earlier versions recorded some hosts in another spelling."""
    made = Made()
    made.robots(recorded, "User-agent: *\nDisallow: /\n")
    made.claim(site=recorded)
    snapshot = made.snapshot(tmp_path)  # type: ignore[arg-type]
    assert {site.host for site in snapshot.sites} == {host_of(f"https://{recorded}/")}


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://cdn.art.co.uk/a", "art.co.uk"),
        ("https://www.faß.de/", "xn--fa-hia.de"),
        ("https://alice.github.io/", "alice.github.io"),
        ("http://127.1/", "127.0.0.1"),
        ("http://[::1]:8080/", "::1"),
        ("http://localhost/", "localhost"),
    ],
)
def test_sites(url: str, site: str) -> None:
    from registry.urls.sites import site_of

    assert site_of(hostname_of(url)) == site
