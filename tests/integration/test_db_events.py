"""Events in the database: each change once, whoever reads it; in the order of commits."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from begun import begun_visit

from crawler.record.readings import record_readings, record_stale, release
from registry.db import events, records, schema_version, visits
from registry.db.connect import connect_to
from registry.db.event_rows import Event, NewEvent
from registry.model import Evidence, Observation, Picture, SiteFile, UrlReading

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOST = "art.example"
PAGE = f"https://{HOST}/"
SHUT = "User-agent: GPTBot\nDisallow: /\n"


def picture(name: str) -> Picture:
    return Picture(name.encode().hex().rjust(64, "0"), "ab" * 16, 9, 9, "png", 9)


def image(name: str, at: datetime, *marks: Evidence, refusal: str | None = None) -> UrlReading:
    url = f"https://{HOST}/{name}.png"
    return UrlReading("image", url, at, marks, None if refusal else picture(name), refusal)


def robots(at: datetime, text: str, host: str = "cdn.example") -> UrlReading:
    url = f"https://{host}/robots.txt"
    evidence = (Evidence("robots-txt", "site", url, text=text),) if text else ()
    refusal = None if text else "http-404"
    return UrlReading("site", url, at, evidence, refusal=refusal, host=host, kind="robots-txt")


def page(at: datetime, text: str) -> UrlReading:
    return UrlReading("page", PAGE, at, (Evidence("html", "page", PAGE, text=text),))


def recorded(
    conn: psycopg.Connection, visit: int, readings: list[UrlReading], *, is_first: bool = False
) -> None:
    """Record readings, and the observations and site files of a visit that counts."""
    marks = {r.about: r.evidence for r in readings}
    observations = [
        Observation(
            r.read_at, r.url, PAGE, r.url, "own", 200, r.refusal, r.picture,
            (*marks.get("page", ()), *r.evidence),
        )
        for r in readings if r.about == "image"
    ]  # fmt: skip
    files = [
        SiteFile(r.read_at, r.host, r.url, r.kind, 200, r.refusal, *r.evidence)
        for r in readings
        if r.about == "site"
    ]
    with conn.transaction():
        stored = records.write(conn, visit, observations, files, readings)
        record_readings(conn, visit, readings, stored, is_first=is_first)
        release(conn, visit)


def told(conn: psycopg.Connection) -> list[Event]:
    return [event for batch in events.events(conn) for event in batch]


def test_a_change_that_many_visits_read_is_told_once(
    conn: psycopg.Connection, database_url: str
) -> None:
    recorded(conn, begun_visit(conn), [robots(NOW, "User-agent: *\nAllow: /\n")], is_first=True)
    barrier = threading.Barrier(4)

    def read(number: int) -> None:
        with connect_to(database_url) as own:
            visit = begun_visit(own, f"{number}.example")
            barrier.wait(20)
            recorded(own, visit, [robots(NOW + DAY, SHUT)], is_first=number % 2 == 0)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, range(4)))
    assert [(event.kind, event.since) for event in told(conn)] == [("mark-appeared", None)]


def test_ids_are_in_the_order_of_commits(conn: psycopg.Connection, database_url: str) -> None:
    visit = begun_visit(conn)
    added = threading.Event()

    def second() -> None:
        with connect_to(database_url) as own, own.transaction():
            events.add_events(own, visit, [NewEvent(NOW, "picture-new", "second")])
            added.set()

    with ThreadPoolExecutor(1) as pool:
        with conn.transaction():
            events.add_events(conn, visit, [NewEvent(NOW, "picture-new", "first")])
            other = pool.submit(second)
            assert not added.wait(0.5)
        other.result(20)
    assert [event.url for event in told(conn)] == ["first", "second"]


def test_events_and_latest_readings_go_with_the_transaction(conn: psycopg.Connection) -> None:
    visit = begun_visit(conn)
    with conn.transaction(force_rollback=True):
        recorded(conn, visit, [image("a", NOW)])
        assert [event.kind for event in told(conn)] == ["picture-new"]
    recorded(conn, visit, [image("a", NOW)])
    assert [event.kind for event in told(conn)] == ["picture-new"]


def test_marks_and_texts_of_any_characters(conn: psycopg.Connection) -> None:
    visit = begun_visit(conn)
    long = "x" * 3_000
    marked = f'<meta name="robots" content="noai" data-x="\0\ud800{long}">'
    for day, text in enumerate(("", marked)):
        recorded(conn, visit, [page(NOW + day * DAY, text)])
    (event,) = told(conn)
    assert event.text_after is not None
    assert '"\0\ud800xxx' in event.text_after
    assert len(event.text_after) == events.MOST_TEXT
    assert event.evidence_after is not None
    assert long in event.evidence_after.text


def test_more_events_than_are_read_at_once(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "FETCH_ROWS", 4)
    recorded(conn, begun_visit(conn), [image(str(n), NOW) for n in range(9)])
    assert [len(batch) for batch in events.events(conn)] == [4, 4, 1]
    found = told(conn)
    assert {event.page_url for event in found} == {PAGE}
    assert told(conn)[5:] == [e for b in events.events(conn, after=found[4].id) for e in b]


def ended(conn: psycopg.Connection, visit: int, **counts: int) -> list[str]:
    """End a visit; return the pictures that are stale then."""
    last = max((event.id for event in told(conn)), default=0)
    visits.finish_visit(conn, visit, state="finished", counts=counts)
    record_stale(conn, visit, NOW)
    return [e.url[-5] for e in told(conn) if e.id > last and e.kind == "picture-stale"]


def test_only_the_plan_that_saw_a_picture_lets_it_grow_stale(conn: psycopg.Connection) -> None:
    def visit(start: str, *names: str, **counts: int) -> list[str]:
        number = begun_visit(conn, HOST, start_url=f"{PAGE}{start}")
        at = NOW + number * DAY
        recorded(conn, number, [image(name, at) for name in names], is_first=True)
        return ended(conn, number, **counts)

    assert visit("one", "a", "b", "c") == []
    assert visit("two", "a", "x") == []
    assert [visit("one", "b") for _ in range(2)] == [[], []]
    assert visit("one", "b", **{"left.pages": 3}) == []
    # The plan `two` has seen `a` since; it made one visit.
    assert visit("one", "b") == ["c"]
    assert visit("one", "b") == []
    assert [visit("two", "x") for _ in range(3)] == [[], [], ["a"]]
    assert visit("one", "a", "b", "c") == []
    assert sorted(e.url[-5] for e in told(conn) if e.kind == "picture-back") == ["a", "c"]


def test_what_was_recorded_before_events_is_compared_with(conn: psycopg.Connection) -> None:
    """The migration makes the latest readings that the visits would have made."""
    noai = Evidence("headers", "image", f"https://{HOST}/a.png", (("X-Robots-Tag", "noai"),))
    visit = begun_visit(conn)
    for readings in (
        [page(NOW, "<p>"), image("a", NOW), image("b", NOW), robots(NOW, SHUT)],
        [page(NOW + DAY, ""), image("a", NOW + DAY, noai), robots(NOW + DAY, "")],
        [page(NOW + 2 * DAY, "<p>"), image("b", NOW + 2 * DAY, refusal="http-503")],
    ):
        recorded(conn, visit, readings, is_first=True)
    query = "SELECT key, evidence, image_id, refusal FROM url_reading ORDER BY key"
    made = conn.execute(query).fetchall()
    conn.execute("DELETE FROM url_reading")
    migration = schema_version.folder() / "versions" / "0010_events.sql"
    statements = migration.read_text().split(";")
    filled = [text for text in statements if text.lstrip().startswith("INSERT INTO url_reading")]
    assert len(filled) == 3
    for statement in filled:
        conn.execute(statement)  # type: ignore[call-overload]
    assert conn.execute(query).fetchall() == made
