"""Marks that went: kept in a snapshot with their dates, and deciding nothing."""

from pathlib import Path

from made import Made, day, pictures_of

from registry.index import Index
from registry.model import Signal
from registry.signals import read
from registry.snapshot.history import MAX_PAST, Dated
from registry.snapshot.opened import Snapshot

URL = "https://a.example/1.jpg"


def names(snapshot: Snapshot) -> list[str]:
    return [signal.name for signal in snapshot.entries[0].own]


def past(snapshot: Snapshot, entry: int = 0) -> list[tuple[str, int, int]]:
    marks = snapshot.entries[entry].past
    return [(mark.name, mark.since.day, mark.until.day) for mark in marks]


def test_a_mark_that_went_is_kept_with_its_dates_and_decides_nothing(tmp_path: Path):
    made = Made()
    values = ["noai, noimageai", "noai", "noai", "noindex", "noai", "noindex"]
    for number, value in enumerate(values, start=1):
        made.observe(URL, [made.headers(value)], on=number, image_id=made.image(1 << 60))
    snapshot = made.snapshot(tmp_path)
    last = len(snapshot.entries) - 1
    assert past(snapshot, last) == [("noimageai", 1, 2), ("noai", 1, 4), ("noai", 5, 6)]
    mark = snapshot.entries[last].past[0]
    assert (mark.raw, mark.url) == ("X-Robots-Tag: noai, noimageai", URL)
    index = Index(snapshot, "cautious")
    assert index.decisions.verdict(last).decision == "unspecified"


def test_a_failure_ends_no_mark_and_few_of_many_past_ones_are_kept(tmp_path: Path):
    made = Made()
    for number in range(1, 29):
        value = "noai" if number % 2 else "noindex"
        made.observe(URL, [made.headers(value)], on=number, refusal="http-404", page_url=None)
    assert len(past(made.snapshot(tmp_path, 1))) == 14
    made.observe(URL, [made.headers("noai")], on=29, image_id=made.image(), page_url=None)
    made.observe(URL, [], on=30, refusal="timeout", page_url=None)
    snapshot = made.snapshot(tmp_path, 2)
    assert (names(snapshot), len(past(snapshot))) == (["noai"], 14)
    stood = Dated()
    for number in range(200):
        stood.see(read_noai() if number % 2 else (), day(1))
    assert len(stood.past) == MAX_PAST


def test_a_page_that_broke_off_adds_marks_and_takes_none_back(tmp_path: Path):
    made = Made()
    image, cut = made.image(1 << 60), "page-truncated"
    noai, tdm, bare = (
        made.page(f'<meta name="{name}" content="{said}">')
        for name, said in [("robots", "noai"), ("tdm-reservation", "1"), ("x", "")]
    )
    made.observe(URL, [noai], on=1, image_id=image)
    made.observe(URL, [bare], on=2, image_id=image, refusal=cut)
    assert (names(made.snapshot(tmp_path, 1)), past(made.snapshot(tmp_path, 2))) == (["noai"], [])
    made.observe(URL, [tdm], on=3, refusal=cut)
    made.observe(URL, [tdm, noai], on=4, refusal=cut)
    made.observe(URL, [bare], on=5, refusal=cut)
    snapshot = made.snapshot(tmp_path, 3)
    assert (sorted(names(snapshot)), past(snapshot)) == (["noai", "tdm-reservation=1"], [])
    made.observe(URL, [bare], on=6, refusal="http-404")
    assert past(made.snapshot(tmp_path, 4)) == [("noai", 1, 6), ("tdm-reservation=1", 3, 6)]


def read_noai() -> tuple[Signal, ...]:
    made = Made()
    made.headers("noai")
    return read(made.evidence_rows[0].evidence()).signals


def test_a_rule_of_the_site_that_went_is_kept_for_what_it_reached(tmp_path: Path):
    made = Made()
    opened = "https://a.example/open/1.jpg"
    agents = "".join(f"User-agent: {name}\n" for name in ("GPTBot", "CCBot", "anthropic-ai"))
    shut = f"{agents}Disallow: /\nAllow: /open/\n"
    for on, text in ((1, "# none"), (2, shut), (3, f"# again\n{shut}"), (5, "# none")):
        made.robots("a.example", text, on=on)
    made.robots("b.example", shut, on=1)
    made.robots("b.example", None, on=4, refusal="http-503")
    made.robots("b.example", None, on=6, refusal="http-404")
    for url in (URL, opened, "https://b.example/1.jpg"):
        made.observe(url, [], image_id=made.image(), page_url=None)
    snapshot = made.snapshot(tmp_path)
    assert snapshot.entries[1].url == opened
    rule = "robots-txt:disallow"
    assert [past(snapshot, entry) for entry in range(3)] == [[(rule, 2, 5)], [], [(rule, 1, 6)]]
    assert [entry.rules for entry in snapshot.entries] == [(), (), ()]


def test_a_reading_of_a_suspect_visit_adds_marks_and_takes_nothing_back(tmp_path: Path):
    made = Made()
    first, other = made.image(1 << 60), made.image(1 << 50)
    noai, tdm, bare = (
        made.page(f'<meta name="{name}" content="{said}">')
        for name, said in [("robots", "noai"), ("tdm-reservation", "1"), ("x", "")]
    )
    header, plain = made.headers("noimageai"), made.headers("x")
    shut = "User-agent: GPTBot\nDisallow: /\n"
    made.observe(URL, [noai, header], on=1, image_id=first)
    made.robots("a.example", shut, on=1)
    # Another picture, without the marks of the first; one mark more.
    made.observe(URL, [tdm, plain], on=2, image_id=other, takes_back=False)
    made.robots("a.example", None, on=2, refusal="http-404", takes_back=False)
    made.robots("a.example", "User-agent: CCBot\nDisallow: /\n", on=3, takes_back=False)
    made.robots("a.example", "User-agent: *\nAllow: /\n", on=4, takes_back=False)
    snapshot = made.snapshot(tmp_path, 1)
    assert sorted(names(snapshot)) == ["noai", "noimageai", "tdm-reservation=1"]
    assert (len(snapshot.entries), pictures_of(snapshot)) == (1, [0])
    assert past(snapshot) == []
    (rule,) = snapshot.entries[0].rules
    assert sorted(map(str.lower, rule.agents)) == ["ccbot", "gptbot"]
    # The next visit finds it too, and is believed.
    made.observe(URL, [bare, plain], on=5, image_id=other)
    made.robots("a.example", None, on=5, refusal="http-404")
    snapshot = made.snapshot(tmp_path, 2)
    assert len(snapshot.entries) == 2
    assert [entry.rules for entry in snapshot.entries] == [(), ()]
    assert {name for name, _, until in past(snapshot, 1) if until == 5} >= {"noai", "noimageai"}


def test_what_a_visit_reads_first_counts_whatever_becomes_of_the_visit(tmp_path: Path):
    made = Made()
    made.observe(URL, [made.headers("noai")], image_id=made.image(), takes_back=False)
    made.robots("b.example", "User-agent: GPTBot\nDisallow: /\n", takes_back=False)
    snapshot = made.snapshot(tmp_path)
    assert (names(snapshot), len(snapshot.sites)) == (["noai"], 1)
