"""What a hostile or odd site cannot make the crawler do, ask for or lose."""

from __future__ import annotations

import json
import socket
from hashlib import sha256
from pathlib import Path

import pytest
from crawling import Run, observed, rows
from servers import asked

from demo.content import SiteResponse
from demo.server import SampleSite

CAT = Path("demo/site/www/pictures/cat.jpg").read_bytes()
ROBOTS_FILES = "SELECT status, refusal, evidence_id FROM site_rule WHERE kind = 'robots-txt'"
NOWHERE = "postgresql://127.0.0.1:1/none"
LONG_HOST = ".".join(["a" * 60] * 70) + ".example"


def refusals(database_url: str) -> dict[str, str | None]:
    return {o["image_url"].rsplit("/", 1)[-1]: o["refusal"] for o in observed(database_url)}


def test_a_web_page_in_place_of_robots_txt_is_no_evidence(
    site: SampleSite, crawl: Run, database_url: str
) -> None:
    site.replace("/robots.txt", b"<!doctype html><title>Just a moment...</title>")
    site.replace("/one.html", b'<img src="/private/daedalus.jpg">')
    assert crawl(site.url + "/one.html", "--max-depth", 0).returncode == 0
    assert rows(database_url, ROBOTS_FILES) == [(200, "not-robots-txt", None)]
    assert refusals(database_url) == {"daedalus.jpg": None}


@pytest.mark.parametrize("more", [0, 200_000])
def test_a_long_robots_txt_is_read_to_five_mebibytes(
    more: int, site: SampleSite, crawl: Run, database_url: str
) -> None:
    line = b"# nothing to see here\n"
    rules = b"User-agent: *\n" + line * 200_000 + b"Disallow: /private/\n" + line * more
    site.replace("/robots.txt", rules)
    site.replace("/one.html", b'<img src="/private/daedalus.jpg"><img src="/b.jpg">')
    site.replace("/b.jpg", CAT)
    ended = crawl(site.url + "/one.html", "--max-depth", 0)
    assert ended.returncode == 0
    assert ("longer than 5 MiB" in ended.stderr) is (more > 0)
    assert refusals(database_url) == {"daedalus.jpg": "robots-txt", "b.jpg": None}


@pytest.mark.parametrize(
    "label", ["rot13", "zip", "idna", "undefined", "unicode_escape", "nonsense"]
)
def test_a_label_that_is_no_encoding_loses_neither_page_nor_marks(
    label: str, site: SampleSite, crawl: Run, database_url: str
) -> None:
    page = b'<meta name="robots" content="noai"><img src="/b.jpg">'
    said = (("Content-Type", f"text/html; charset={label}"),)
    site.answer = lambda host, path: {  # type: ignore[method-assign]
        "/one.html": SiteResponse(200, said, page),
        "/b.jpg": SiteResponse(200, (("Content-Type", "image/jpeg"),), CAT),
    }.get(path, SiteResponse(404, (), b""))
    done = crawl(site.url + "/one.html", "--max-depth", 0, "--json")
    assert (done.returncode, json.loads(done.stdout)["pages"]) == (0, 1)
    assert "noai" in json.loads(done.stdout)["marks"]
    (seen,) = observed(database_url)
    assert seen["refusal"] is None


def test_host_names_that_cannot_be_cost_themselves_only(
    site: SampleSite, crawl: Run, database_url: str
) -> None:
    shown = f'<img src="/a.jpg"><img src="/b.jpg"><img src="http://{LONG_HOST}/c.jpg">'
    site.replace("/one.html", shown.encode())
    site.replace("/a.jpg", b"", status=302, headers=(("Location", f"http://{LONG_HOST}/a.jpg"),))
    site.replace("/b.jpg", CAT)
    ended = crawl(site.url + "/one.html", "--max-depth", 0)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)
    assert refusals(database_url) == {"a.jpg": "connection", "b.jpg": None}


def test_redirects_to_dot_segments_obey_robots_txt(
    site: SampleSite, crawl: Run, database_url: str
) -> None:
    site.replace(
        "/one.html", f'<img src="/a.jpg"><img src="{site.url}/x/../private/b.jpg">'.encode()
    )
    private = site.url.replace("://", "://me:secret@") + "/open/%2e%2E/private/daedalus.jpg"
    site.replace("/a.jpg", b"", status=302, headers=(("Location", private),))
    assert crawl(site.url + "/one.html", "--max-depth", 0).returncode == 0
    assert refusals(database_url) == {"a.jpg": "robots-txt", "b.jpg": "robots-txt"}
    assert set(asked(site)) == {"/robots.txt", "/one.html", "/a.jpg"}


def test_passwords_in_addresses_are_not_kept(
    site: SampleSite, crawl: Run, database_url: str
) -> None:
    named = site.url.replace("://", "://me:secret@")
    site.replace("/one.html", f'<img src="{named}/a.jpg">'.encode())
    site.replace("/a.jpg", b"", status=302, headers=(("Location", f"{named}/b.jpg"),))
    site.replace("/b.jpg", CAT)
    assert crawl(site.url + "/one.html", "--max-depth", 0).returncode == 0
    seen = observed(database_url)
    assert [o["image_url"] for o in seen] == [f"{site.url}/a.jpg", f"{site.url}/b.jpg"]
    assert {o["fetched_url"] for o in seen} == {f"{site.url}/b.jpg"}


def test_long_addresses(site: SampleSite, crawl: Run, database_url: str) -> None:
    long, longer = (f"/a.jpg?{'x' * number}" for number in (3000, 9000))
    site.replace("/one.html", f'<img src="{long}"><img src="{longer}">'.encode())
    site.replace("/a.jpg", CAT)
    site.replace(long, CAT)
    assert crawl(site.url + "/one.html", "--max-depth", 0).returncode == 0
    found = {len(o["image_url"]) - len(site.url): o["refusal"] for o in observed(database_url)}
    assert found == {len(long): None, len(longer): "too-long"}


def test_images_left_out_are_counted(site: SampleSite, crawl: Run) -> None:
    images = "".join(f'<img src="/{n}.jpg">' for n in range(2003))
    site.replace("/one.html", images.encode())
    said = json.loads(crawl(site.url + "/one.html", "--max-images", 0, "--json").stdout)
    assert said["left"] == {"images": 3}
    assert said["refused"] == {"limit": 2000}


def test_no_proxy_is_used(site: SampleSite, crawl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    assert crawl(site.url + "/gallery/", "--max-pages", 1).returncode == 0


USAGE = {
    "a bracket that does not close": (["http://[bad/"], "http://[bad/ is not a web address"),
    "a port that is none": (["http://h:99999/"], "http://h:99999/ is not a web address"),
    "a label too long": ([f"http://{'a' * 64}.example/"], "is not a web address"),
    "a password": (["http://me:secret@127.0.0.1/"], "remove them"),
    "a password and no host": (["http://me:secret@[bad/"], "remove them"),
    "private and public": (["http://127.0.0.1/", "https://art.example/"], "start two runs"),
}


@pytest.mark.parametrize("name", USAGE)
def test_usage(name: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments, message = USAGE[name]
    monkeypatch.setenv("CRAWLER_CONTACT", "mailto:me@art.example")
    ended = run("crawler", "run", *arguments, database=NOWHERE)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "secret" not in ended.stderr


@pytest.mark.parametrize("kind", ["calendar", "next"])
def test_a_trap_in_paths_is_left(kind: str, site: SampleSite, crawl: Run) -> None:
    html = (("Content-Type", "text/html"),)

    def trap(host: str, path: str) -> SiteResponse:
        if path == "/cat.jpg":
            return SiteResponse(200, (("Content-Type", "image/jpeg"),), CAT)
        last = int(path.rpartition("/")[2] or 0) if path.startswith("/calendar/") else 0
        links = {
            "calendar": f'<a href="/calendar/{1901 + last}/{last + 1}">next month</a>',
            "next": f'<a rel="next" href="/{sha256(path.encode()).hexdigest()[:12]}">next</a>',
        }
        is_page = path == "/" or kind == "next" or path.startswith("/calendar/")
        body = f'<img src="/cat.jpg">{links[kind]}'.encode()
        return (
            SiteResponse(200, html, body)
            if is_page and "." not in path
            else SiteResponse(404, (), b"")
        )

    site.answer = trap  # type: ignore[method-assign]
    done = crawl(site.url + "/", "--json", "--max-depth", 1000, "--max-pages", 200)
    said = json.loads(done.stdout)
    assert done.returncode == 0
    assert 5 < said["pages"] < 40
    assert said["left"] == {"trap": 1}
