"""The sample site is what it promises: provenance, formats, markup, and a true truth.json."""

import itertools
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import Request, urlopen

import imagehash
import pytest
from PIL import Image, ImageOps

from demo.content import FOLDERS, ROOT
from demo.server import SampleSite

IMAGES = {".jpg", ".png", ".webp", ".gif"}
# Pages that only some visitors come to: not linked, closed, or somebody else's.
APART = {"/faults.html", "/private/"}
MARKUP = (
    'srcset="[^"]* 2x',
    r'srcset="[^"]* \d+w',
    '<source type="image/webp"',
    "data-srcset=",
    "<noscript><img",
    'src="data:image/gif',
    'src="//{{cdn}}',
    r'src="\.\./pictures',
    "<IMG SRC=http",
    "<base href",
    'property="og:image"',
    'href="https://friends.example.invalid',
    '<a class="full" href=',
    'rel="next"',
    '<META CONTENT="NOAI,NOIMAGEAI" NAME="ROBOTS">',
    "max-image-preview:large,max-image-preview:large,noimageai",
    '<meta name="GPTBot"',
    "<meta name=robots content=noai>",
)


class Markup(HTMLParser):
    """Links, images and metas of one page, by the plainest reading of its attributes."""

    def __init__(self, url: str, text: str) -> None:
        super().__init__()
        self.base, self.links, self.images = url, set(), set()
        self.metas: list[tuple[str, str]] = []
        self.names: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.names += [(tag, name) for name in said]
        if tag == "base":
            self.base = urljoin(self.base, said["href"])
        if tag == "meta" and "name" in said:
            self.metas.append((said["name"].lower(), said["content"].lower()))
        for name in ("src", "data-src", "href", "content"):
            if name in said:
                self._take(tag, said[name])
        for name in ("srcset", "data-srcset"):
            for candidate in said.get(name, "").split(","):
                if candidate.strip():
                    self._take("img", candidate.split()[0])

    def _take(self, tag: str, address: str) -> None:
        url = urljoin(self.base, address)
        if Path(urlsplit(url).path).suffix in IMAGES and not address.startswith("data:"):
            self.images.add(url)
        elif tag == "a":
            self.links.add(url.partition("#")[0])


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with SampleSite() as running:
        yield running


@pytest.fixture(scope="module")
def truth(site: SampleSite) -> dict[str, Any]:
    return site.truth()


def get(url: str) -> tuple[str, Any]:
    with urlopen(url, timeout=20) as response:
        return response.read().decode(), response.headers


@pytest.fixture(scope="module")
def pages(site: SampleSite, truth: dict[str, Any]) -> dict[str, Markup]:
    return {page["url"]: Markup(page["url"], get(page["url"])[0]) for page in truth["pages"]}


def files() -> dict[str, Path]:
    """Every picture file by `ROLE/path`."""
    return {
        f"{role}/{file.relative_to(ROOT / folder)}": file
        for role, folder in FOLDERS.items()
        for file in sorted((ROOT / folder).rglob("*"))
        if file.suffix in IMAGES
    }


def file_of(site: SampleSite, url: str) -> Path:
    roles = {site.netloc(role): FOLDERS[role] for role in FOLDERS}
    parts = urlsplit(url)
    return ROOT / roles[parts.netloc] / parts.path.lstrip("/")


def sources() -> list[dict[str, str]]:
    head, *lines = (ROOT / "SOURCES").read_text("utf-8").splitlines()
    return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


def test_every_picture_has_a_source_and_free_terms() -> None:
    listed = [line["file"] for line in sources()]
    assert len(set(listed)) == len(listed)
    assert sorted(listed) == sorted(str(file.relative_to(ROOT)) for file in files().values())
    for line in sources():
        assert line["terms"] in {"public domain", "CC0"}, line
        assert all(line.values()), line


def test_there_are_many_pictures_and_they_are_small() -> None:
    sizes = [file.stat().st_size for file in files().values()]
    assert sum(sizes) < 3_000_000
    assert max(sizes) < 150_000
    originals = {line["from"] for line in sources() if not line["from"].startswith("made for")}
    assert len(originals) >= 60


def test_the_promised_formats_are_there(truth: dict[str, Any], site: SampleSite) -> None:
    formats = set()
    for picture in truth["pictures"]:
        file = file_of(site, picture["url"])
        if picture["format"]:
            with Image.open(file) as image:
                assert image.format == picture["format"], file
                formats.add(image.format)
    assert formats == {"JPEG", "PNG", "WEBP", "GIF"}
    with Image.open(ROOT / "www/pictures/moon-phases.gif") as gif:
        assert gif.n_frames == 3
    with Image.open(ROOT / "www/pictures/swallowtail.png") as png:
        assert png.mode == "RGBA"
        assert png.getextrema()[3][0] == 0
    with Image.open(ROOT / "www/pictures/bulldog.jpg") as turned:
        assert turned.getexif()[0x0112] == 6
        assert turned.width > turned.height


def test_pictures_meant_to_be_broken_are(truth: dict[str, Any], site: SampleSite) -> None:
    named = {Path(p["url"]).name: p["refusal"] for p in truth["pictures"] if p["refusal"]}
    assert named == {
        "torn-scan.jpg": "broken",
        "lost.jpg": "empty",
        "retired.jpg": "not-an-image",
        "daedalus.jpg": "robots-txt",
        "retina.jpg": "robots-txt",
    }
    folder = ROOT / "www/pictures"
    with Image.open(folder / "torn-scan.jpg") as torn, pytest.raises(OSError, match="truncated"):
        torn.load()
    assert (folder / "lost.jpg").read_bytes() == b""
    assert (folder / "retired.jpg").read_text().startswith("<!DOCTYPE html>")
    with Image.open(folder / "blank-sheet.png") as blank:
        assert len(blank.getcolors()) == 1
    assert [Path(p["url"]).name for p in truth["pictures"] if p["unfit"]] == ["blank-sheet.png"]


def upright(file: Path) -> Image.Image:
    with Image.open(file) as image:
        layered = ImageOps.exif_transpose(image).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")


def test_different_works_look_different_and_sizes_of_one_alike(
    truth: dict[str, Any], site: SampleSite
) -> None:
    sound = [p for p in truth["pictures"] if p["refusal"] in (None, "robots-txt")]
    hashes = {
        p["url"]: imagehash.phash(upright(file_of(site, p["url"]))) for p in sound if not p["unfit"]
    }
    for picture in sound:
        if picture["size"] != "full":
            assert hashes[picture["url"]] - hashes[picture["full"]] <= 4, picture["url"]
    full = [p["url"] for p in sound if p["size"] == "full" and not p["unfit"]]
    near = [(a, b) for a, b in itertools.combinations(full, 2) if hashes[a] - hashes[b] <= 12]
    assert near == []


def test_truth_names_every_picture_and_every_page(truth: dict[str, Any], site: SampleSite) -> None:
    said = [file_of(site, picture["url"]) for picture in truth["pictures"]]
    assert sorted(said) == sorted(files().values())
    shown = {str(file_of(site, page["url"])) for page in truth["pages"]}
    written = {
        str(file).removesuffix("/index.html")
        for folder in FOLDERS.values()
        for file in (ROOT / folder).rglob("*.html")
    }
    assert shown == written


def test_truth_says_on_which_pages_a_picture_is(
    truth: dict[str, Any], pages: dict[str, Markup]
) -> None:
    for picture in truth["pictures"]:
        found = {url for url, markup in pages.items() if picture["url"] in markup.images}
        assert found == set(picture["pages"]), picture["url"]
        assert found, picture["url"]


def test_every_link_and_picture_on_the_pages_resolves(
    pages: dict[str, Markup], site: SampleSite
) -> None:
    ours = {site.netloc(role) for role in FOLDERS}
    for url, markup in pages.items():
        if url.endswith("/faults.html"):
            continue
        for address in markup.links | markup.images:
            if urlsplit(address).netloc in ours:
                with urlopen(Request(address, method="HEAD"), timeout=20) as response:
                    assert response.status == 200, (url, address)
                    assert response.url == address, (url, address)


def test_the_front_page_leads_to_every_page_a_crawler_may_visit(
    truth: dict[str, Any], pages: dict[str, Markup], site: SampleSite
) -> None:
    seen, ahead = set(), [site.url + "/"]
    while ahead:
        url = ahead.pop()
        if url in seen or url not in pages or urlsplit(url).path in APART:
            continue
        seen.add(url)
        ahead += pages[url].links if urlsplit(url).netloc == site.netloc("site") else []
    visitable = {page["url"] for page in truth["pages"] if page["crawl"]}
    assert {url for url in seen if site.netloc("site") in url} == visitable
    assert not any("/faults.html" in link for markup in pages.values() for link in markup.links)


def test_the_sitemap_lists_pages_that_exist(truth: dict[str, Any], site: SampleSite) -> None:
    listed = re.findall(r"<loc>(.*?)</loc>", get(site.url + "/sitemap.xml")[0])
    visitable = {page["url"] for page in truth["pages"] if page["crawl"]}
    assert set(listed) == visitable - {site.url + "/calendar.html"}
    assert f"Sitemap: {site.url}/sitemap.xml" in get(site.url + "/robots.txt")[0]


def marks_of_page(markup: Markup, headers: Any) -> set[str]:
    """Marks of a page, read crudely: enough for this site's own markup."""
    said = [(name, content) for name, content in markup.metas if name in {"robots", "gptbot"}]
    said += [("robots", line) for line in headers.get_all("X-Robots-Tag", [])]
    return {
        word.strip() + ("" if name == "robots" else f"@{name}")
        for name, content in said
        for word in content.split(",")
        if word.strip() in {"noai", "noimageai", "noindex"}
    }


def test_truth_says_what_each_page_says(truth: dict[str, Any], pages: dict[str, Markup]) -> None:
    for page in truth["pages"]:
        found = marks_of_page(pages[page["url"]], get(page["url"])[1])
        assert found == set(page["marks"]), page["url"]
        reserved = bool(found - {"noindex"})
        assert page["decision"] == ("reserved" if reserved else "unspecified"), page["url"]


def test_a_picture_is_reserved_by_what_its_pages_headers_and_robots_say(
    truth: dict[str, Any], site: SampleSite
) -> None:
    by_url = {page["url"]: page for page in truth["pages"]}
    for picture in truth["pictures"]:
        where = urlsplit(picture["url"])
        expected = {
            (name, by_url[url]["carrier"], url)
            for url in picture["pages"]
            for name in by_url[url]["marks"]
            if name != "noindex"
        }
        header = site.answer(where.hostname or "", where.path).headers
        lines = [value for name, value in header if name == "X-Robots-Tag"]
        expected |= {(name, "headers", picture["url"]) for name in header_marks(lines)}
        robots = {m["name"] for m in picture["marks"] if m["carrier"] == "robots-txt"}
        found = {(m["name"], m["carrier"], m["at"]) for m in picture["marks"]}
        assert {mark for mark in found if mark[1] != "robots-txt"} == expected, picture["url"]
        assert bool(robots) == (picture["robots"] != "open"), picture["url"]
        decision = "reserved" if expected or robots else "unspecified"
        assert picture["decision"] == decision, picture["url"]


def header_marks(lines: list[str]) -> set[str]:
    """Marks in the few header lines of this site, written out by hand."""
    known: dict[str, set[str]] = {
        "noai": {"noai"},
        "noai, noimageai": {"noai", "noimageai"},
        "googlebot: nofollow": set(),
        "otherbot: noai": set(),
        "GPTBot: noai": {"noai@gptbot"},
        "noindex, noimageindex": set(),
        "unavailable_after: 25 Jun 2030 15:00:00 PST, noimageai": {"noimageai"},
    }
    return set().union(*(known[line] for line in lines))


def test_robots_files_close_what_truth_calls_closed(
    truth: dict[str, Any], site: SampleSite
) -> None:
    from protego import Protego

    for picture in truth["pictures"]:
        parts = urlsplit(picture["url"])
        said = site.answer(parts.hostname or "", "/robots.txt")
        rules = Protego.parse(said.body.decode() if said.status == 200 else "")
        answers = [rules.can_fetch(picture["url"], agent) for agent in ("visitor", "GPTBot")]
        state = {(True, True): "open", (True, False): "closed to training agents"}
        assert picture["robots"] == state.get(tuple(answers), "closed"), picture["url"]
        agents = {m["name"].partition("@")[2] for m in picture["marks"] if "disallow" in m["name"]}
        assert not any(rules.can_fetch(picture["url"], agent) for agent in agents if agent)


def test_markup_is_as_varied_as_on_real_sites(pages: dict[str, Markup]) -> None:
    texts = "\n".join(file.read_text("utf-8") for file in (ROOT / "www").rglob("*.html"))
    for piece in MARKUP:
        assert re.search(piece, texts), piece
    two = [markup for markup in pages.values() if [n for n, _ in markup.metas].count("robots") == 2]
    assert len(two) == 1
    assert all("{{" not in address for m in pages.values() for address in m.links | m.images)


def test_the_image_host_serves_most_pictures_and_the_third_party_few(
    truth: dict[str, Any], pages: dict[str, Markup], site: SampleSite
) -> None:
    full = [p["relation"] for p in truth["pictures"] if p["size"] == "full"]
    assert full.count("cdn") >= full.count("own") > full.count("third-party") == 3
    # A store of images is not linked to; somebody else's site is.
    linked = {urlsplit(link).netloc for markup in pages.values() for link in markup.links}
    assert site.netloc("other") in linked
    assert site.netloc("cdn") not in linked
