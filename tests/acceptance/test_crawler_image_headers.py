"""Marks in the header fields of images that redirect, and of images that cannot be read whole."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from crawling import Run, observed
from raw_site import answer, raw_site

from demo.content import SiteResponse
from demo.faults import Fault
from demo.server import SampleSite

CAT = Path("demo/site/www/pictures/cat.jpg").read_bytes()
JPEG, NOAI = "Content-Type: image/jpeg", "X-Robots-Tag: noai"
MARKED = answer(CAT, JPEG, NOAI, 'ETag: "1"')
UNCHANGED = b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nConnection: close\r\n\r\n'


def moved(to: str, status: str = "302 Found") -> bytes:
    return answer(b"", f"Location: {to}", status=status)


def page(*images: str) -> bytes:
    shown = "".join(f'<img src="{url}">' for url in images)
    return answer(f"<!doctype html>{shown}".encode(), "Content-Type: text/html")


def outcomes(run: Run, database_url: str, folder: Path, *urls: str) -> list[str]:
    """Return what a check of a dataset of these URLs says of each row."""
    pq.write_table(pa.table({"url": list(urls)}), folder / "rows.parquet")
    run("registry", "snapshot", "build", database=database_url, cwd=folder)
    rows = folder / "said.parquet"
    arguments = ("check", folder / "rows.parquet", "--out", rows)
    done = run("registry", *arguments, database=database_url, cwd=folder)
    assert done.returncode in (0, 1), done.stderr
    return pq.read_table(rows)["optout_outcome"].to_pylist()


@pytest.mark.parametrize("status", ["302 Found", "308 Permanent Redirect"])
def test_both_addresses_of_a_redirected_image_are_found(
    status: str, crawl: Run, run: Run, database_url: str, registry_home: Path
) -> None:
    with raw_site() as site:
        site.answers = {"/": page("/a.jpg"), "/a.jpg": moved("/b.jpg", status), "/b.jpg": MARKED}
        said = json.loads(crawl(site.url + "/", "--json").stdout)
        assert (said["observations"], said["images"], said["marks"]) == (2, 1, {"noai": 1})
        site.answers["/b.jpg"] = UNCHANGED
        again = json.loads(crawl(site.url + "/", "--json").stdout)
        assert (again["observations"], again["unchanged"]) == (2, 1)
    for visit in (1, 2):
        first, second = observed(database_url, visit)
        assert first.pop("image_url") == site.url + "/a.jpg"
        assert second.pop("image_url") == second["fetched_url"] == site.url + "/b.jpg"
        assert first == second
    for address in ("/a.jpg", "/b.jpg"):
        for command in ("lookup", "history"):
            done = run("registry", command, site.url + address, database=database_url)
            assert "noai" in done.stdout, (command, address)
    both = [site.url + "/a.jpg", site.url + "/b.jpg"]
    assert outcomes(run, database_url, registry_home, *both) == ["reserved", "reserved"]


HEAD = f"HTTP/1.1 200 OK\r\n{JPEG}\r\n{NOAI}\r\nConnection: close\r\n"
REFUSED = {
    "too-large": answer(CAT, JPEG, NOAI, length=99_000_000),
    "truncated": answer(CAT[:500], JPEG, NOAI, length=len(CAT)),
    "unsupported-format": answer(b"%PDF-1.4", JPEG, NOAI),
    "connection": answer(b"no gzip", JPEG, NOAI, "Content-Encoding: gzip"),
    "http-404": answer(b"none", JPEG, NOAI, status="404 Not Found"),
    "http-403": answer(b"none", JPEG, NOAI, status="403 Forbidden"),
}


@pytest.mark.parametrize("path", ["/a.jpg", "/b.jpg"], ids=["direct", "redirected"])
def test_headers_of_an_image_that_is_refused_are_kept(
    path: str, crawl: Run, run: Run, database_url: str, registry_home: Path
) -> None:
    names = list(REFUSED)
    with raw_site() as site:
        site.answers = {"/": page(*(f"/{name}{path}" for name in names))}
        for name in names:
            site.answers[f"/{name}/b.jpg"] = moved(f"/{name}/a.jpg")
            site.answers[f"/{name}/a.jpg"] = REFUSED[name]
        said = json.loads(crawl(site.url + "/", "--json").stdout)
    assert said["marks"] == {"noai": 4}
    found = {o["image_url"]: o for o in observed(database_url)}
    assert {u.split("/")[3]: o["refusal"] for u, o in found.items()} == {n: n for n in names}
    urls = [f"{site.url}/{name}/a.jpg" for name in names]
    # An answer that is not the image says nothing of it.
    expected = ["clear" if "http" in name else "reserved" for name in names]
    assert outcomes(run, database_url, registry_home, *urls) == expected


def test_headers_of_an_image_that_comes_too_slowly_are_kept(
    site: SampleSite, crawl: Run, database_url: str
) -> None:
    answers = {
        "/start.html": SiteResponse(200, (("Content-Type", "text/html"),), b"<img src=/slow.jpg>"),
        "/slow.jpg": Fault(headers=(("X-Robots-Tag", "noai"),), body=CAT, drip=True),
    }
    site.answer = lambda host, path: answers.get(path, Fault(404))  # type: ignore[method-assign]
    said = json.loads(crawl(site.url + "/start.html", "--timeout", 0.5, "--json").stdout)
    assert said["marks"] == {"noai": 1}
    assert [o["refusal"] for o in observed(database_url)] == ["timeout"]
