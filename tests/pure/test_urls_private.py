"""Which addresses are public, and every form of a private one against all who ask."""

from __future__ import annotations

import ipaddress
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from private_addresses import IPV4, IPV6, PUBLIC_IPS, URLS

from registry.urls import networks
from registry.urls.absolute import absolute
from registry.urls.key import hostname_of
from registry.urls.networks import is_loopback, is_private, is_public, private_network

PAGE = "http://art.example/works/"


@pytest.mark.parametrize("address", [*IPV4, *IPV6, "fe80::1%eth0"])
def test_private_addresses(address: str) -> None:
    assert not is_public(address)
    network = private_network(address)
    assert network is not None
    assert network.name
    assert network.source


@pytest.mark.parametrize("address", PUBLIC_IPS)
def test_public_addresses(address: str) -> None:
    assert is_public(address)
    assert not is_private(address)
    assert private_network(address) is None


@pytest.mark.parametrize("address", IPV4)
def test_private_addresses_within_ipv6(address: str) -> None:
    number = int(ipaddress.IPv4Address(address))
    for prefix, place in (("::ffff:0:0", 0), ("64:ff9b::", 0), ("2002::", 80), ("::", 0)):
        inside = int(ipaddress.IPv6Address(prefix)) | number << place
        assert not is_public(str(ipaddress.IPv6Address(inside)))


@given(st.ip_addresses())
def test_nothing_is_public_that_python_calls_private(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if not address.is_global and address not in ipaddress.ip_network("2001::/23"):
        mapped = getattr(address, "ipv4_mapped", None)
        assert mapped is not None or not is_public(str(address))


def test_the_list_names_every_network_once_with_its_source() -> None:
    listed = [*networks.NETWORKS, *(line[:3] for line in networks.CARRIERS)]
    assert len({text for text, _, _ in listed}) == len(listed)
    assert all(name and source for _, name, source in listed)
    assert all(ipaddress.ip_network(text) for text, _, _ in listed)


@pytest.mark.parametrize("name", ["art.example", "a.b.co.uk", "xn--fa-hia.de", "internal.example"])
def test_public_names(name: str) -> None:
    assert not is_private(name)
    assert not is_loopback(name)


def test_what_can_be_no_host_is_private() -> None:
    assert is_private("")
    assert is_private("a..b")
    assert is_private("1.2.3.4.5")


@pytest.mark.parametrize("name", ["127.0.0.1", "127.1", "::1", "::ffff:127.0.0.1", "a.localhost"])
def test_this_machine(name: str) -> None:
    assert is_loopback(name)


def test_the_matrix_is_large_enough() -> None:
    assert len(URLS) >= 130


@pytest.mark.parametrize("url", URLS)
def test_links_and_images_of_a_page_name_a_private_host(url: str) -> None:
    from found import find_images, find_links

    attribute = url.replace('"', "&quot;")
    html = f'<base href="{PAGE}"><img src="{attribute}"><a href="{attribute}">x</a>'
    found = [image.url for image in find_images(html, PAGE)]
    found += [link.url for link in find_links(html, PAGE)]
    assert found
    assert all(is_private(hostname_of(address)) for address in found)


@pytest.mark.parametrize("kind", ["image", "page", "site-file", None])
@pytest.mark.parametrize("url", URLS)
def test_the_crawler_refuses_it(url: str, kind: str | None) -> None:
    """As the address of an image, a page or a site file, and after a redirect."""
    from scrapy import Request
    from scrapy.http import Response

    from crawler.manners.bounds import BoundsMiddleware
    from crawler.manners.destination import DestinationMiddleware
    from crawler.manners.refusals import Refused

    visit = SimpleNamespace(is_private=False, is_own_page=lambda _: True)
    bounds = BoundsMiddleware(SimpleNamespace(spider=SimpleNamespace(visit=visit)))  # type: ignore[arg-type]
    asked = Request(PAGE, meta={"kind": kind})
    location = {"Location": url.strip().encode()}
    answer = DestinationMiddleware().process_response(asked, Response(PAGE, 302, headers=location))
    redirected = _redirected(answer, asked)
    direct = asked.replace(url=absolute(PAGE, url) or "")
    for request in (direct, redirected):
        with pytest.raises(Refused, match="private") as refused:
            bounds.process_request(request)
        assert refused.value.reason == "private-address"


def _redirected(answer: object, asked: object) -> object:
    """Return what Scrapy's own middleware makes of a redirect."""
    from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
    from scrapy.settings import Settings

    crawler = SimpleNamespace(settings=Settings(), spider=SimpleNamespace())
    middleware = RedirectMiddleware(Settings())
    middleware.crawler = crawler  # type: ignore[assignment]
    middleware._referer_spider_middleware = None
    return middleware.process_response(asked, answer)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", URLS)
def test_the_start_of_a_crawl_is_private_as_it_is_written(url: str) -> None:
    """A run that begins there is at home, and none may be mixed with public hosts."""
    address = absolute(url, url)
    if url.startswith(("//", "\\\\")):
        assert address is None
        return
    assert address is not None
    assert is_private(hostname_of(address))
    assert absolute(address, address) == address


@pytest.mark.parametrize("url", URLS)
def test_explain_refuses_a_redirect_there(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a public host; what names resolve to is patched, and nothing is connected to."""
    from registry.errors import RegistryError
    from registry.evidence.responses import Response
    from registry.sources import fetch

    connected: list[object] = []
    monkeypatch.setattr(fetch.socket, "getaddrinfo", _resolved)
    monkeypatch.setattr(fetch.socket, "create_connection", lambda *a, **_: connected.append(a))
    visitor = fetch.Visitor()
    visitor._was_public = True
    real = visitor._get

    def get(asked: str, limit: int) -> Response:
        if asked.startswith("http://art.example/"):
            headers = (("Location", url),) if asked.endswith("/start") else ()
            return Response(asked, headers, b"", 302 if headers else 404)
        return real(asked, limit)

    monkeypatch.setattr(visitor, "_get", get)
    with pytest.raises(RegistryError) as refused:
        visitor.fetch("http://art.example/start")
    assert refused.value.reason == "private-address"  # type: ignore[attr-defined]
    assert connected == []


def _resolved(host: str, port: int, **_: object) -> list[object]:
    """Resolve as getaddrinfo does: an address is itself, every private name is loopback."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        host = "127.0.0.1"
    return [(None, None, None, "", (host, port))]


@pytest.mark.parametrize("address", [*IPV4, *IPV6])
def test_explain_refuses_a_public_name_of_it(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry.sources import fetch

    def resolved(host: str, port: int, **_: object) -> list[object]:
        return [(None, None, None, "", (address, port))]

    connected: list[object] = []
    monkeypatch.setattr(fetch.socket, "getaddrinfo", resolved)
    monkeypatch.setattr(fetch.socket, "create_connection", lambda *a, **_: connected.append(a))
    with pytest.raises(fetch.NotFetched, match="host resolves to a private address") as refused:
        fetch.Visitor().fetch("http://art.example/")
    assert refused.value.reason == "private-address"
    assert connected == []
