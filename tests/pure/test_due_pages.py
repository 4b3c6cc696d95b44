"""Which of the known pages a visit asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crawler.guides.entries import Entry, Guide
from crawler.options import VisitLimits
from crawler.pages.links import PageLink
from crawler.record.values import Known
from crawler.visit.due import due_pages, told_pages
from crawler.visit.frontier import Step
from crawler.visit.guides import GuideRead, Guides, GuideUrl
from crawler.visit.images import PageRead
from crawler.visit.known import KnownPages
from crawler.visit.results import DueResult, GuideResult, PageResult, pack, unpack
from crawler.visit.revisit import Revisit
from crawler.visit.state import VisitState
from crawler.visit.url_shapes import page_name
from registry.db.known_rows import KnownGuide, KnownPage
from registry.model import Evidence

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MOST = 90 * DAY
START = "https://art.example/"


def known(number: int, days: float, changed: float = 0.1, visits: float = 1.0) -> KnownPage:
    url = f"https://art.example/{number}"
    asked_at = NOW - days * DAY
    shape = (None, None, None, None, None, None, "gallery 1", asked_at, visits, changed, 14.0)
    return KnownPage(page_name(url), url, 1, False, url, *shape)


pages = st.builds(
    lambda number, days, visits, share: known(number, days, visits * share, visits),
    st.integers(0, 10_000),
    st.floats(0, 200),
    st.floats(1, 10),
    st.floats(0, 1),
)


@given(st.lists(pages, max_size=60, unique_by=lambda page: page.key), st.booleans())
def test_a_visit_asks_for_few_pages_and_none_waits_too_long(
    found: list[KnownPage], is_told: bool
) -> None:
    found.sort(key=lambda page: (page.asked_at, page.key))
    guides = Guides(is_told=is_told)
    due, sample = due_pages(found, guides, NOW, MOST)
    asked = [*due, *sample]
    assert len({page.key for page in asked}) == len(asked)
    assert {page.key for page in found if page.asked_at <= NOW - MOST} <= {p.key for p in due}
    late = [page for page in due if page.asked_at <= NOW - 0.75 * MOST]
    assert len(due) - len(late) <= max(1, round(len(found) / 4))
    assert len(sample) <= max(2, round(len(found) / 50))
    assert len(asked) >= min(1 if is_told else 2, len(found))


def test_pages_that_change_more_are_due_sooner() -> None:
    calm = [known(number, 12) for number in range(8)]
    restless = [known(number, 12, changed=6, visits=7) for number in range(100, 108)]
    due, _ = due_pages([*calm, *restless], Guides(), NOW, MOST)
    assert due == restless[:4]
    # Also if guides tell of changes, because these were not told.
    assert due_pages([*calm, *restless], Guides(is_told=True), NOW, MOST)[0] == restless[:4]


def test_guides_are_believed_unless_they_name_most_pages() -> None:
    found = [known(number, 5) for number in range(40)]

    def told(number: int, at: datetime) -> list[KnownPage]:
        return told_pages(found, Guides({page.key: at for page in found[:number]}), NOW)

    assert told(20, NOW - DAY) == found[:20]
    assert told(21, NOW - DAY) == []
    assert told(20, NOW - 6 * DAY) == []
    # A date that lies in the future says nothing.
    assert told(20, NOW + 2 * DAY) == []


def test_a_day_without_a_time_may_be_its_end() -> None:
    midnight = NOW.replace(hour=0)
    guides = Guides()
    entries = (Entry(f"{START}1", midnight), Entry(f"{START}2", NOW))
    guides.read(GuideUrl(START + "all", "sitemap"), GuideRead(NOW, entries))
    assert list(guides.told.values()) == [midnight + DAY, NOW]


def test_a_feed_that_shows_nothing_known_may_miss_some() -> None:
    revisit = Revisit("due", Known(pages=[known(1, 5)]), START, "gallery 1")

    def read(*urls: str, left: int = 0) -> GuideRead:
        entries = tuple(Entry(url, NOW - DAY) for url in urls)
        return revisit.guide(GuideUrl(START + "feed", "feed"), Guide(entries, left=left), NOW)

    new = "https://art.example/2"
    assert [entry.url for entry in read(new, "https://art.example/1").entries] == [
        new,
        "https://art.example/1",
    ]
    assert read(new, "https://art.example/1").is_whole
    assert not read(new).is_whole
    assert not read(new, "https://art.example/1", left=1).is_whole


def test_pages_of_a_sitemap_are_new_if_they_changed_since_it_was_found() -> None:
    sitemap = KnownGuide(START + "all.xml", "sitemap", NOW - 3 * DAY)
    revisit = Revisit("due", Known(pages=[known(1, 1)], guides=[sitemap]), START, "gallery 1")
    dates = {"1": NOW - 2 * DAY, "2": NOW - 2 * DAY, "3": NOW - 4 * DAY, "4": None}
    guide = Guide(tuple(Entry(START + name, at) for name, at in dates.items()))
    read = revisit.guide(GuideUrl(sitemap.url, "sitemap"), guide, NOW)
    assert ([entry.url for entry in read.entries], read.is_whole) == ([START + "2"], True)
    # Without dates it tells of no change.
    undated = Guide(tuple(Entry(START + name) for name in dates))
    read = revisit.guide(GuideUrl(sitemap.url, "sitemap"), undated, NOW)
    assert (read.entries, read.is_whole) == ((), False)


def test_an_index_is_followed_where_it_changed() -> None:
    guides = [KnownGuide(f"{START}{name}.xml", "sitemap", NOW - DAY) for name in "ab"]
    revisit = Revisit("due", Known(guides=guides), START, "gallery 1")
    dates = {"a": NOW - 2 * DAY, "b": NOW, "c": NOW - 9 * DAY, "d": None}
    index = Guide(sitemaps=tuple(Entry(f"{START}{name}.xml", at) for name, at in dates.items()))
    read = revisit.guide(GuideUrl(START + "all.xml", "sitemap"), index, NOW)
    assert read.sitemaps == tuple(f"{START}{name}.xml" for name in "bcd")


def test_an_unchanged_page_is_read_from_what_is_known() -> None:
    step = Step(PageLink(START + "1"), 1)
    evidence = (
        Evidence("headers", "page", START + "1", (("X-Robots-Tag", "noai"),)),
        Evidence("html", "page", START + "1", text='<meta name="robots" content="noai">'),
    )
    links = (PageLink(START + "2"),)
    read = PageRead(START + "1", NOW, evidence, (), links, etag='"1"', last_modified="then")
    first = KnownPages([], "gallery 1", is_estimated=True).after(
        PageResult(step, START + "1", read), NOW
    )
    again = KnownPages([first], "gallery 1", is_estimated=True)
    assert again.conditions(START + "1") == ('"1"', "then")
    later = NOW + 30 * DAY
    assert again.unchanged(START + "1", (("X-Robots-Tag", "noai"),), later) == replace(
        read, read_at=later
    )
    marked = again.unchanged(START + "1", (("X-Robots-Tag", "noimageai"),), later)
    assert marked is not None
    assert marked.evidence[0].lines == (("X-Robots-Tag", "noimageai"),)
    # Another program may read a page in another way.
    other = KnownPages([first], "gallery 2", is_estimated=True)
    assert other.conditions(START + "1") == (None, None)
    assert other.unchanged(START + "1", (), later) is None


def test_a_failure_that_may_pass_changes_nothing() -> None:
    step = Step(PageLink(START + "1"), 1)
    before = known(1, 30)
    found = KnownPages([before], "gallery 1", is_estimated=True)
    for refusal in ("http-503", "timeout", "limit", "http-429"):
        assert found.after(PageResult(step, START + "1", refusal=refusal), NOW) == before
    gone = found.after(PageResult(step, START + "1", refusal="http-404"), NOW)
    assert (gone.page_url, gone.refusal, gone.asked_at) == (None, "http-404", NOW)
    new = KnownPages([], "gallery 1", is_estimated=True)
    failed = new.after(PageResult(step, START + "1", refusal="timeout"), NOW)
    assert due_pages([failed], Guides(), NOW, MOST)[0] == [failed]


def test_a_visit_to_due_pages_is_resumed_from_its_journal() -> None:
    guide = GuideUrl(START + "feed", "feed")
    found = [known(number, 30) for number in range(20)]
    told = Known(pages=found, guides=[KnownGuide(guide.url, guide.kind, NOW - DAY)])
    site = Revisit("due", told, START, "gallery 1").site

    def state() -> VisitState:
        return VisitState(START, VisitLimits(), site)

    first = state()
    assert [type(request) for request in first.requests()] == [GuideUrl, Step]
    assert first.awaits_guides
    read = GuideRead(NOW, (Entry("https://art.example/new"),))
    due = DueResult(tuple(Step(PageLink(page.url), 1) for page in found[:5]))
    start = Step(PageLink(START), 0)
    shown = PageRead(START, NOW, (), (), (PageLink(found[9].url), PageLink(START + "other")))
    results = [GuideResult(guide, read), due, PageResult(start, START, shown)]
    for result in results:
        first.take(result)
    # Known pages are not asked for because a page links to them.
    new = {START + "new", START + "other"}
    wanted = {request.link.url for request in first.requests() if isinstance(request, Step)}
    assert wanted == new | {page.url for page in found[:5]}
    second = state()
    second.replay(unpack(pack(results)))
    assert (second.requests(), second.is_planned) == (first.requests(), True)
