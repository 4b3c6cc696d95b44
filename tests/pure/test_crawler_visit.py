from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from found import find_links

from crawler.manners.responses import header_lines
from crawler.options import VisitLimits
from crawler.pages.images import ImageCandidate
from crawler.pages.links import PageLink
from crawler.pages.relation import plain_relation
from crawler.report.summary import Ended, as_json, as_text, exit_code
from crawler.report.tally import VisitTally
from crawler.settings import checked_contact, refuse_disobedience, scrapy_settings, user_agent
from crawler.visit.frontier import BARREN_NEXT, BARREN_VARIANTS, Frontier
from crawler.visit.images import ImageRead, PageRead, Showings
from registry.errors import UsageError
from registry.evidence.headers import kept, refreshed
from registry.model import Evidence, Observation, Picture

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SITE = "https://art.example"
STORE = "https://store.example"
PICTURE = Picture("ab", "cd", 10, 10, "jpeg", 100)
OTHER = Picture("ef", "01", 10, 10, "jpeg", 100)


def page(path: str, *images: ImageCandidate, links: tuple[str, ...] = ()) -> PageRead:
    marks = (Evidence("html", "page", SITE + path, text=path),)
    return PageRead(SITE + path, NOON, marks, images, tuple(map(PageLink, links)))


def fetched(url: str, picture: Picture = PICTURE) -> ImageRead:
    said = (Evidence("headers", "image", url, lines=(("A", "b"),)),)
    return ImageRead(NOON + timedelta(seconds=5), None, 200, picture, url, said)


def refused(word: str = "http-404") -> ImageRead:
    return ImageRead(NOON, word, 404)


def short(observations: list[Observation]) -> list[tuple[str, str | None, str | None]]:
    return [(o.image_url, o.fetched_url, o.refusal) for o in observations]


def test_all_sizes_share_the_picture_of_the_one_fetched() -> None:
    visit = Showings(limit=9)
    large, small = SITE + "/l.jpg", SITE + "/s.jpg"
    assert visit.page(page("/", ImageCandidate(large, (small,)))) == [large]
    assert visit.ready() == []
    assert visit.image(large, fetched(large)) == []
    ready = visit.ready()
    assert short(ready) == [(large, large, None), (small, large, None)]
    assert [o.picture for o in ready] == [PICTURE, PICTURE]
    assert ready[0].observed_at == NOON + timedelta(seconds=5)
    assert [e.about for e in ready[0].evidence] == ["page", "image"]
    assert visit.ready() == []
    assert visit.rest("crashed", NOON) == []


def test_an_image_is_asked_for_once_and_observed_on_every_page() -> None:
    visit = Showings(limit=9)
    url = SITE + "/a.jpg"
    assert visit.page(page("/1", ImageCandidate(url))) == [url]
    assert visit.page(page("/2", ImageCandidate(url))) == []
    visit.image(url, fetched(url))
    assert visit.page(page("/3", ImageCandidate(url))) == []
    assert [o.page_url for o in visit.ready()] == [f"{SITE}/{n}" for n in (1, 2, 3)]


def test_the_next_size_replaces_one_that_cannot_be_had() -> None:
    visit = Showings(limit=9)
    a, b, c, d = (f"{SITE}/{name}.jpg" for name in "abcd")
    visit.page(page("/", ImageCandidate(a, (b, c, d))))
    assert visit.image(a, refused()) == [b]
    assert visit.image(b, fetched(b)) == []
    assert short(visit.ready()) == [(a, None, "http-404"), (b, b, None), (c, b, None), (d, b, None)]


def test_three_sizes_are_tried_at_most() -> None:
    visit = Showings(limit=9)
    a, b, c, d = (f"{SITE}/{name}.jpg" for name in "abcd")
    visit.page(page("/", ImageCandidate(a, (b, c, d))))
    for url, next_url in ((a, [b]), (b, [c]), (c, [])):
        assert visit.image(url, refused("timeout")) == next_url
    assert [o.refusal for o in visit.ready()] == ["timeout", "timeout", "timeout", "limit"]


def test_a_size_s_own_reading_elsewhere_changes_nothing() -> None:
    large, small = SITE + "/l.jpg", SITE + "/s.jpg"
    results = set()
    for order in permutations([(large, PICTURE), (small, OTHER)]):
        visit = Showings(limit=9)
        visit.page(page("/list", ImageCandidate(small)))
        visit.page(page("/work", ImageCandidate(large, (small,))))
        for url, picture in order:
            visit.image(url, fetched(url, picture))
        results.add(tuple(sorted((o.page_url, o.image_url, o.fetched_url) for o in visit.ready())))
    assert results == {
        (
            (SITE + "/list", small, small),
            (SITE + "/work", large, large),
            (SITE + "/work", small, large),
        )
    }


def test_the_image_limit_refuses_but_records() -> None:
    visit = Showings(limit=1)
    a, b = SITE + "/a.jpg", SITE + "/b.jpg"
    assert visit.page(page("/", ImageCandidate(a), ImageCandidate(b))) == [a]
    assert short(visit.ready()) == [(b, None, "limit")]


@pytest.mark.parametrize("word", ["interrupted", "limit", "crashed"])
def test_what_is_still_waited_for_ends_with_the_visit(word: str) -> None:
    visit = Showings(limit=9)
    a, b = SITE + "/a.jpg", SITE + "/b.jpg"
    visit.page(page("/1", ImageCandidate(a, (b,))))
    visit.page(page("/2", ImageCandidate(a)))
    assert {(o.image_url, o.page_url, o.refusal) for o in visit.rest(word, NOON)} == {
        (a, SITE + "/1", word),
        (b, SITE + "/1", word),
        (a, SITE + "/2", word),
    }


def relation_of(*pages: PageRead) -> set[str]:
    visit = Showings(limit=99)
    for seen in pages:
        for url in visit.page(seen):
            visit.image(url, fetched(url))
    return {o.relation for o in visit.rest("crashed", NOON)}


def stored(path: str, *numbers: int, links: tuple[str, ...] = ()) -> PageRead:
    return page(path, *(ImageCandidate(f"{STORE}/{n}.jpg") for n in numbers), links=links)


def test_a_store_of_images_is_a_cdn() -> None:
    assert relation_of(stored("/1", 1, 2), stored("/2", 3)) == {"cdn"}


def test_few_images_or_one_page_make_no_cdn() -> None:
    assert relation_of(stored("/1", 1), stored("/2", 2)) == {"third-party"}
    assert relation_of(stored("/1", 1, 2, 3, 4)) == {"third-party"}
    assert relation_of(stored("/1", 1, 2), stored("/2", 1, 2)) == {"third-party"}


@pytest.mark.parametrize("first", [True, False])
def test_a_host_that_is_linked_as_a_site_is_no_cdn(first: bool) -> None:
    link = (STORE + "/artist",)
    one, two = (link, ()) if first else ((), link)
    assert relation_of(stored("/1", 1, 2, links=one), stored("/2", 3, links=two)) == {"third-party"}


@pytest.mark.parametrize(
    ("image", "shown_on", "expected"),
    [
        ("https://art.example/a.jpg", "https://art.example/", "own"),
        ("https://img.art.example/a.jpg", "https://www.art.example/", "own"),
        ("http://127.0.0.1:1/a.jpg", "http://127.0.0.1:2/", "own"),
        ("http://127.0.0.2/a.jpg", "http://127.0.0.1/", None),
        ("https://a.github.io/a.jpg", "https://b.github.io/", None),
        ("https://images-1.wixmp.com/a.jpg", "https://www.deviantart.com/x", "cdn"),
        ("https://images-1.wixmp.com/a.jpg", "https://art.example/x", None),
    ],
)
def test_relation_by_name(image: str, shown_on: str, expected: str | None) -> None:
    assert plain_relation(image, shown_on) == expected


def test_links() -> None:
    html = """<link rel=next href="?page=2"><link rel=stylesheet href=a.css><a href="/b#x">b</a>
        <a href="/b">again</a><a href="mailto:x@y.example">m</a><a href="/a.jpg">i</a>
        <a href="/d.zip">z</a><a href="/wiki/File:A.jpg">f</a><area href="//other.example/">
        <a rel="nofollow next" href="/n">n</a>"""
    assert find_links(html, SITE + "/x") == [
        PageLink(SITE + "/x?page=2", True),
        PageLink(SITE + "/n", True),
        PageLink(SITE + "/b"),
        PageLink(SITE + "/wiki/File:A.jpg"),
        PageLink("https://other.example/"),
    ]


def test_pages_are_admitted_once_within_limits() -> None:
    frontier = Frontier(VisitLimits(pages=2, depth=1))
    assert frontier.admit(SITE + "/?b=1&a=2", 0)
    assert not frontier.admit(SITE + "?a=2&b=1", 0)
    assert not frontier.admit(SITE + "/deep", 2)
    assert frontier.dropped() == {"depth": 1}
    assert frontier.admit(SITE + "/deep", 1)
    assert not frontier.admit(SITE + "/third", 1)
    assert frontier.dropped() == {"pages": 1}


@pytest.mark.parametrize(("is_next", "most"), [(True, BARREN_NEXT), (False, BARREN_VARIANTS)])
def test_a_calendar_ends(is_next: bool, most: int) -> None:
    frontier = Frontier(VisitLimits())
    admitted = [frontier.admit(f"{SITE}/c?month={n}", 1, is_next=is_next) for n in range(200)]
    assert sum(admitted) == most
    assert frontier.admit(SITE + "/other?month=1", 1, is_next=is_next)


def test_a_gallery_does_not_end() -> None:
    frontier = Frontier(VisitLimits())
    for number in range(300):
        url = f"{SITE}/gallery?page={number}"
        assert frontier.admit(url, 1, is_next=True)
        frontier.shows(url, [f"{SITE}/{number}.jpg"])
        frontier.read(url)


def test_a_path_that_keeps_growing_ends() -> None:
    frontier = Frontier(VisitLimits(depth=100))
    grown = [SITE + "/a/b" * n for n in range(1, 40)]
    assert sum(frontier.admit(url, n) for n, url in enumerate(grown)) < 10


def test_header_lines_keep_repeats_apart_and_leave_out_what_changes() -> None:
    headers = {
        b"Date": [b"now"],
        b"X-Robots-Tag": [b"noai", b"bot: noindex"],
        b"Set-Cookie": [b"secret"],
        b"Etag": [b'"1"'],
        b"X-Name": ["\u00e4".encode(), b"\xe4"],
    }
    assert kept(header_lines(headers)) == (
        ("X-Robots-Tag", "noai"),
        ("X-Robots-Tag", "bot: noindex"),
        ("ETag", '"1"'),
        ("X-Name", "\u00e4"),
        ("X-Name", "\u00e4"),
    )


def test_a_304_renews_the_headers_it_repeats() -> None:
    earlier = (
        Evidence("html", "page", SITE, text="old"),
        Evidence(
            "headers",
            "image",
            SITE + "/a.jpg",
            lines=(
                ("ETag", '"1"'),
                ("X-Robots-Tag", "a"),
                ("X-Robots-Tag", "b"),
                ("Content-Type", "image/png"),
            ),
        ),
    )
    (unchanged,) = refreshed(earlier, (("ETag", '"1"'), ("Content-Type", "text/html")))
    assert unchanged == earlier[1]
    (changed,) = refreshed(earlier, (("x-robots-tag", "c"), ("Vary", "d")))
    assert changed.lines == (
        ("ETag", '"1"'),
        ("x-robots-tag", "c"),
        ("Content-Type", "image/png"),
        ("Vary", "d"),
    )


def test_robots_txt_cannot_be_turned_off() -> None:
    from scrapy.settings import Settings

    right = scrapy_settings(contact="mailto:a@b.example", delay=1, timeout=9)
    refuse_disobedience(Settings(right))
    middlewares = right["DOWNLOADER_MIDDLEWARES"]
    without = {name: order for name, order in middlewares.items() if "crawler" not in name}
    for wrong in (
        {"ROBOTSTXT_OBEY": False},
        {"ROBOTSTXT_OBEY": "0"},
        {"ROBOTSTXT_USER_AGENT": "Googlebot"},
        {"ROBOTSTXT_USER_AGENT": None},
        {"DOWNLOADER_MIDDLEWARES": without},
        {"DOWNLOADER_MIDDLEWARES": dict.fromkeys(middlewares)},
    ):
        with pytest.raises(UsageError):
            refuse_disobedience(Settings(right | wrong))


def test_the_user_agent_says_who_we_are() -> None:
    assert user_agent("mailto:a@b.example") == "OptoutRegistry/0.1 (+mailto:a@b.example)"
    assert checked_contact("https://b.example/bot", local=False) == "https://b.example/bot"
    for wrong in (
        "",
        None,
        "me",
        "https://x",
        "mailto:a",
        "mailto:a@b) evil",
        "https://a.b/\r\nX: y",
    ):
        with pytest.raises(UsageError):
            checked_contact(wrong, local=False)
    assert checked_contact(None, local=True)


def ended(**values: int) -> Ended:
    counts = {"pages": 1, "images": 0, "observations": 0, "unchanged": 0, "errors": 0} | values
    return Ended(1, "gallery", SITE, "art.example", "finished", counts, 1.5)


def test_exit_codes() -> None:
    assert exit_code([ended()]) == 1
    assert exit_code([ended(), ended(observations=1)]) == 0
    failed = Ended(1, "gallery", SITE, "art.example", "failed", ended().counts, 1.5, "timeout")
    assert exit_code([ended(observations=1), failed]) == 4


def test_the_summary_counts() -> None:
    tally = VisitTally()
    tally.evidence([Evidence("headers", "page", SITE, lines=(("X-Robots-Tag", "noai"),))])
    tally.observation(Observation(NOON, SITE + "/a.jpg", refusal="timeout"))
    tally.observation(Observation(NOON, SITE + "/b.jpg", picture=PICTURE))
    visit = ended(**tally.counts())
    said = as_json([visit, visit])
    assert said["observations"] == 4
    assert said["refused"] == {"timeout": 2}
    assert said["visits"][0]["counts"]["marks"] == {"noai": 1}
    assert "timeout 1" in as_text(visit)
    assert tally.line() == "0 pages, 1 images, 1 reserving marks, 1 refused"


def test_a_304_leaves_what_the_file_holds_as_it_was():
    headers = Evidence("headers", "image", "u", lines=(("ETag", '"1"'),))
    packet = Evidence("xmp", "image", "u", text="<x/>")
    page = Evidence("html", "page", "p", text="<meta>")
    found = refreshed([headers, packet, page], (("X-Robots-Tag", "noai"),))
    assert found == (
        Evidence("headers", "image", "u", lines=(("ETag", '"1"'), ("X-Robots-Tag", "noai"))),
        packet,
    )


def test_the_address_that_another_redirects_to_is_observed_once_a_page() -> None:
    visit = Showings(limit=9)
    one, two, end = (f"{SITE}/{name}.jpg" for name in ("one", "two", "end"))
    assert visit.page(page("/", ImageCandidate(one), ImageCandidate(two))) == [one, two]
    visit.image(one, fetched(end))
    visit.image(two, fetched(end))
    ready = visit.ready()
    assert short(ready) == [(one, end, None), (end, end, None), (two, end, None)]
    same = [(o.page_url, o.picture, o.evidence) for o in ready]
    assert same == [same[0]] * 3
    # Had already, and shown by itself: as it is.
    assert visit.page(page("/2", ImageCandidate(end))) == []
    assert short(visit.ready()) == [(end, end, None)]


@pytest.mark.parametrize("own_first", [True, False])
@pytest.mark.parametrize("own_fails", [True, False])
def test_an_address_that_is_shown_and_redirected_to_is_no_double(
    own_first: bool, own_fails: bool
) -> None:
    visit = Showings(limit=9)
    one, end = SITE + "/one.jpg", SITE + "/end.jpg"
    visit.page(page("/", ImageCandidate(one), ImageCandidate(end)))
    own = refused("timeout") if own_fails else fetched(end)
    reads = [(end, own), (one, fetched(end))]
    for url, read in reads if own_first else reversed(reads):
        visit.image(url, read)
    lost = own_fails and own_first
    expected = [(end, None, "timeout") if lost else (end, end, None), (one, end, None)]
    assert sorted(short(visit.ready())) == sorted(expected)


@pytest.mark.parametrize("end", ["https://art.example/a.jpg", "http://art.example/a.jpg?"])
def test_another_spelling_of_an_address_is_no_address_of_its_own(end: str) -> None:
    visit = Showings(limit=9)
    shown = "http://art.example/a.jpg"
    visit.page(page("/", ImageCandidate(shown, (SITE + "/s.jpg",))))
    visit.image(shown, fetched(end))
    assert [o.image_url for o in visit.ready()] == [shown, SITE + "/s.jpg"]


def test_an_image_that_redirects_to_another_s_host_is_not_the_page_s_own() -> None:
    visit = Showings(limit=9)
    visit.page(page("/", ImageCandidate(SITE + "/a.jpg")))
    visit.image(SITE + "/a.jpg", fetched(STORE + "/a.jpg"))
    assert [(o.image_url, o.relation) for o in (*visit.ready(), *visit.rest("limit", NOON))] == [
        (SITE + "/a.jpg", "own"),
        (STORE + "/a.jpg", "third-party"),
    ]


def test_an_image_that_is_refused_after_a_redirect_is_observed_where_its_headers_came_from() -> (
    None
):
    visit = Showings(limit=9)
    a, b, end = (f"{SITE}/{name}.jpg" for name in ("a", "b", "end"))
    visit.page(page("/", ImageCandidate(a, (b,))))
    said = (Evidence("headers", "image", end, lines=(("X-Robots-Tag", "noai"),)),)
    broken = ImageRead(NOON, "truncated", None, None, end, said)
    assert visit.image(a, broken) == [b]
    visit.image(b, fetched(b))
    assert short(visit.ready()) == [(a, end, "truncated"), (b, b, None), (end, end, "truncated")]
