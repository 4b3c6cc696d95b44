"""The journal of a visit: the results that it keeps bring the visit back to the same state."""

from __future__ import annotations

import random
import zlib
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.options import VisitLimits
from crawler.pages.images import ImageCandidate
from crawler.pages.links import PageLink
from crawler.visit.frontier import Step
from crawler.visit.images import ImageRead, PageRead
from crawler.visit.results import (
    FileResult,
    ImageResult,
    ImageUrl,
    PageResult,
    Request,
    Result,
    RobotsResult,
    UnreadableJournal,
    pack,
    unpack,
)
from crawler.visit.site_files import SiteFileUrl, refused
from crawler.visit.state import VisitState
from registry.model import Evidence, Picture, SiteFile

NOON = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
SITE = "https://art.example"
HOSTS = ("https://art.example", "https://cdn.example", "https://www.art.example")
REFUSALS = (None, "http-404", "timeout", "crashed", "robots-txt")
LIMITS = VisitLimits(pages=12, depth=4, images=20)
PICTURES = [
    Picture(f"{n:064x}", f"{n:032x}", 10, 10 + n, "jpeg", 100, {"phash64": {"full": f"{n:016x}"}})
    for n in range(4)
]


def visit() -> VisitState:
    return VisitState(SITE + "/", LIMITS)


def page_result(step: Step, chance: random.Random) -> PageResult:
    refusal = chance.choice(REFUSALS)
    if refusal is not None and chance.random() < 0.7:
        return PageResult(step, step.link.url, refusal=refusal)
    url = chance.choice((step.link.url, SITE + "/redirected", "https://www.art.example/"))
    text = chance.choice(("", '<meta name="robots" content="noai">', "\ud800 \x00 é"))
    images = tuple(
        ImageCandidate(f"{chance.choice(HOSTS)}/{n}.jpg", (f"{SITE}/{n}-s.jpg",))
        for n in chance.sample(range(30), chance.randrange(4))
    )
    links = tuple(
        PageLink(f"{chance.choice(HOSTS)}/p{n}?page={n}", is_next=chance.random() < 0.3)
        for n in chance.sample(range(30), chance.randrange(5))
    )
    marks = (Evidence("html", "page", url, text=text),) if text else ()
    page = PageRead(url, NOON, marks, images, links, chance.random() < 0.1, {"template": 1})
    return PageResult(step, url, page, refusal)


def image_result(url: str, chance: random.Random) -> ImageResult:
    refusal = chance.choice(REFUSALS)
    if refusal:
        return ImageResult(url, ImageRead(NOON, refusal, 404))
    marks = (Evidence("headers", "image", url, lines=(("X-Robots-Tag", "noai"),)),)
    status = chance.choice((200, 304))
    return ImageResult(url, ImageRead(NOON, None, status, chance.choice(PICTURES), url, marks))


def file_result(file: SiteFileUrl, chance: random.Random) -> FileResult:
    if chance.random() < 0.3:
        return FileResult(file)
    if chance.random() < 0.5:
        return FileResult(file, refused(file, NOON, "http-404", 404))
    evidence = Evidence(file.kind, "site", file.url, text="User-Agent: *\nDisallow: /")
    return FileResult(file, SiteFile(NOON, file.host, file.url, file.kind, 200, None, evidence))


def robots_result(chance: random.Random) -> RobotsResult:
    url = chance.choice(HOSTS) + "/robots.txt"
    text = "User-agent: GPTBot\nDisallow: /\nLicense: https://art.example/rsl.xml\n"
    evidence = Evidence("robots-txt", "site", url, text=text)
    return RobotsResult(SiteFile(NOON, url[8:-11], url, "robots-txt", 200, None, evidence))


def result_of(request: Request, chance: random.Random) -> Result:
    match request:
        case Step():
            return page_result(request, chance)
        case ImageUrl(url):
            return image_result(url, chance)
        case SiteFileUrl():
            return file_result(request, chance)


def results_of(seed: int) -> list[Result]:
    """Return the results of a visit whose responses arrive in any order."""
    chance = random.Random(seed)
    state = visit()
    results: list[Result] = []
    while requests := state.requests():
        robots = chance.random() < 0.2
        result = robots_result(chance) if robots else result_of(chance.choice(requests), chance)
        state.take(result)
        results.append(result)
    return results


@given(st.integers(0, 2**32))
def test_a_journal_brings_the_visit_back_to_where_it_ended(seed: int) -> None:
    results = results_of(seed)
    cut = random.Random(seed).randrange(len(results) + 1)
    live = visit()
    for result in results[:cut]:
        live.take(result)
    resumed = visit()
    resumed.replay(unpack(pack(results[:cut])))
    assert resumed.requests() == live.requests()
    assert (resumed.host, resumed.start_refusal) == (live.host, live.start_refusal)
    assert resumed.counts() == live.counts()
    # From there on, the same results have the same consequences.
    for result in results[cut:]:
        assert resumed.take(result) == live.take(result)
    assert resumed.rest("limit", NOON) == live.rest("limit", NOON)
    assert resumed.counts() == live.counts()


@given(st.integers(0, 2**32))
def test_results_are_packed_without_loss(seed: int) -> None:
    results = results_of(seed)
    assert unpack(pack(results)) == results


def test_nothing_is_packed_as_nothing() -> None:
    assert unpack(pack([])) == []


DAMAGED = {
    "no bytes": b"",
    "no zlib": b"journal",
    "cut": pack(results_of(1))[:-7],
    "no list": zlib.compress(msgspec.msgpack.encode(5)),
    "another kind": zlib.compress(msgspec.msgpack.encode([("poem", b"")])),
    "another shape": zlib.compress(msgspec.msgpack.encode([("page", msgspec.msgpack.encode({}))])),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_an_unreadable_journal_is_an_error_of_its_own(name: str) -> None:
    with pytest.raises(UnreadableJournal, match="cannot be read"):
        unpack(DAMAGED[name])
