"""Recording visits: what goes in comes out, once, whoever else writes at the same time."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from begun import begun_visit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.record import database as recorder
from crawler.record.schedules import PlanRow
from crawler.record.values import Batch
from registry.db import records, visits
from registry.db.connect import connect_to
from registry.db.known_rows import KnownImage
from registry.db.session import Session
from registry.db.values import claim_digest, evidence_digest, pack, unpack
from registry.fingerprints import versions
from registry.model import Claim, Evidence, Observation, Picture, SiteFile

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
HOST = "art.example"


def picture(name: str) -> Picture:
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    prints = {
        "phash64": {"full": sha256[:16], "square": sha256[16:32]},
        "phash256": {"full": sha256},
    }
    return Picture(sha256, sha256[32:], 640, 480, "jpeg", 12_345, prints)


def headers(url: str, *lines: tuple[str, str]) -> Evidence:
    return Evidence("headers", "image", url, lines)


def page(text: str = '<meta name="robots" content="noai">') -> Evidence:
    return Evidence("html", "page", f"https://{HOST}/gallery", text=text)


def seen(name: str, *evidence: Evidence, at: datetime = NOW) -> Observation:
    url = f"https://{HOST}/{name}.jpg"
    return Observation(
        at,
        url,
        f"https://{HOST}/gallery",
        url,
        status=200,
        picture=picture(name),
        evidence=evidence,
    )


def begin(conn: psycopg.Connection, host: str = HOST) -> int:
    return begun_visit(conn, host, started_at=NOW)


def count(conn: psycopg.Connection, table: str) -> int:
    row = conn.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row
    return int(row[0])


def counts(conn: psycopg.Connection) -> dict[str, int]:
    tables = ("evidence", "image", "fingerprint", "observation", "site_rule")
    return {table: count(conn, table) for table in tables}


def test_a_visit_begins_and_ends(conn: psycopg.Connection) -> None:
    visit = begin(conn)
    assert conn.execute("SELECT state, finished_at FROM visit").fetchone() == ("running", None)
    _, later = visits.finish_visit(conn, visit, state="finished", counts={"pages": 4})
    row = conn.execute("SELECT state, finished_at, counts FROM visit").fetchone()
    assert row == ("finished", later, {"pages": 4})


def test_a_batch_is_stored_with_everything_in_it(conn: psycopg.Connection) -> None:
    marks = headers(f"https://{HOST}/a.jpg", ("X-Robots-Tag", "noai"), ("x-robots-tag", "noindex"))
    refused = Observation(NOW, f"https://{HOST}/b.jpg", status=404, refusal="http-404")
    robots = Evidence("robots-txt", "site", f"https://{HOST}/robots.txt", text="User-agent: *\n")
    files = [
        SiteFile(NOW, HOST, robots.url, "robots-txt", 200, None, robots),
        SiteFile(NOW, HOST, f"https://{HOST}/ai.txt", "ai-txt", 404, "http-404"),
    ]
    records.write(conn, begin(conn), [seen("a", marks, page()), refused], files)

    assert counts(conn) == {
        "evidence": 3, "image": 1, "fingerprint": 3, "observation": 2, "site_rule": 2
    }  # fmt: skip
    rows = conn.execute(
        "SELECT o.image_url, o.refusal, encode(i.sha256, 'hex'),"
        " ARRAY(SELECT e.carrier FROM unnest(o.evidence) WITH ORDINALITY n (id, place)"
        "       JOIN evidence e USING (id) ORDER BY place)"
        " FROM observation o LEFT JOIN image i ON i.id = o.image_id ORDER BY o.id"
    ).fetchall()
    assert rows == [
        (f"https://{HOST}/a.jpg", None, picture("a").sha256, ["headers", "html"]),
        (f"https://{HOST}/b.jpg", "http-404", None, []),
    ]
    stored = conn.execute("SELECT lines FROM evidence WHERE carrier = 'headers'").fetchone()
    assert stored == ([["X-Robots-Tag", "noai"], ["x-robots-tag", "noindex"]],)
    rules = conn.execute(
        "SELECT s.kind, s.refusal, e.text FROM site_rule s"
        " LEFT JOIN evidence e ON e.id = s.evidence_id ORDER BY s.id"
    ).fetchall()
    assert rules == [("robots-txt", None, "User-agent: *\n"), ("ai-txt", "http-404", None)]


def test_equal_readings_are_counted_not_stored_again(conn: psycopg.Connection) -> None:
    for day in range(3):
        visit = begin(conn, f"{day}.example")
        at = NOW + timedelta(days=day)
        robots = Evidence("robots-txt", "site", f"https://{HOST}/robots.txt", text="#")
        file = SiteFile(at, HOST, robots.url, "robots-txt", 200, None, robots)
        records.write(conn, visit, [seen("a", page(), at=at), seen("b", page(), at=at)], [file])
    assert counts(conn) == {
        "evidence": 2, "image": 2, "fingerprint": 6, "observation": 2, "site_rule": 1
    }  # fmt: skip
    again = (2, NOW + timedelta(days=2), visit)
    query = "SELECT readings, again_at, visit_id FROM {}"
    assert conn.execute(query.format("observation_again")).fetchall() == [again, again]  # type: ignore[arg-type]
    assert conn.execute(query.format("site_rule_again")).fetchall() == [again]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        {"picture": picture("b")},
        {"evidence": (page("<meta name=robots content=noai>"),)},
        {"evidence": ()},
        {"refusal": "page-truncated"},
        {"relation": "cdn"},
        {"status": 206},
        {"status": None},
        {"fetched_url": f"https://{HOST}/large.jpg"},
        {"fetched_url": None},
        {"page_url": f"https://{HOST}/other"},
        {"page_url": None},
        {"image_url": f"https://{HOST}/b.jpg"},
    ],
)
def test_a_reading_that_differs_is_stored(conn: psycopg.Connection, other: dict[str, Any]) -> None:
    first = seen("a", page())
    for day, reading in enumerate((first, replace(first, **other), first)):
        records.write(
            conn,
            begin(conn, f"{day}.example"),
            [replace(reading, observed_at=NOW + timedelta(days=day))],
        )
    is_elsewhere = "page_url" in other or "image_url" in other
    assert count(conn, "observation") == (2 if is_elsewhere else 3)
    assert count(conn, "observation_again") == is_elsewhere


def test_304_says_that_the_picture_is_as_it_was(conn: psycopg.Connection) -> None:
    first = seen("a", page())
    for day, status in enumerate((200, 304, 200, 304)):
        reading = replace(first, status=status, observed_at=NOW + timedelta(days=day))
        records.write(conn, begin(conn, f"{day}.example"), [reading])
    assert conn.execute("SELECT readings FROM observation_again").fetchall() == [(3,)]


def test_the_same_text_about_another_page_is_other_evidence(conn: psycopg.Connection) -> None:
    other = Evidence("html", "page", f"https://{HOST}/other", text=page().text)
    records.write(conn, begin(conn), [seen("a", page(), other)])
    assert count(conn, "evidence") == 2


def test_a_fingerprint_of_a_newer_version_joins_the_known_image(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = begin(conn)
    records.write(conn, visit, [seen("a")])
    newer = {name: f"{version}.next" for name, version in versions().items()}
    monkeypatch.setattr(records, "versions", lambda: newer)
    again = Observation(NOW, "https://x.example/", picture=picture("a"))
    records.write(conn, visit, [again, again])
    records.write(conn, visit, [again])
    assert (count(conn, "image"), count(conn, "fingerprint")) == (1, 6)


def test_half_a_batch_is_never_stored(conn: psycopg.Connection) -> None:
    neither = Observation(NOW, "https://art.example/neither.jpg")
    visit = begin(conn)
    with pytest.raises(psycopg.errors.CheckViolation):
        records.write(conn, visit, [seen("a", page()), neither])
    assert set(counts(conn).values()) == {0}
    records.write(conn, visit, [seen("a", page())])
    assert count(conn, "observation") == 1


def test_a_batch_goes_with_the_transaction_of_its_caller(conn: psycopg.Connection) -> None:
    visit = begin(conn)
    with conn.transaction(force_rollback=True):
        records.write(conn, visit, [seen("a", page())])
        assert count(conn, "observation") == 1
    assert set(counts(conn).values()) == {0}


def test_very_long_addresses_are_stored(conn: psycopg.Connection) -> None:
    """A B-tree refuses keys over 2,700 bytes that do not compress."""
    url = f"https://{HOST}/?token={secrets.token_hex(20_000)}"
    records.write(conn, begin(conn), [Observation(NOW, url, url, url, picture=picture("long"))])
    assert list(records.known_images(conn, HOST)) == [url]


def test_two_crawlers_may_write_the_same_things_at_once(
    conn: psycopg.Connection, database_url: str
) -> None:
    """Opposite orders of the same keys: without sorting this ends in a deadlock."""
    observations = [
        seen(str(n), headers(f"https://{HOST}/{n}.jpg", ("n", str(n)))) for n in range(300)
    ]
    barrier = threading.Barrier(2)
    failures: list[BaseException] = []

    def crawl(host: str, batch: list[Observation]) -> None:
        try:
            with connect_to(database_url) as own:
                visit = begin(own, host)
                for _ in range(5):
                    barrier.wait()
                    records.write(own, visit, batch)
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            failures.append(error)
            barrier.abort()

    threads = [
        threading.Thread(target=crawl, args=arguments)
        for arguments in (("a.example", observations), ("b.example", observations[::-1]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert counts(conn) == {
        "evidence": 300, "image": 300, "fingerprint": 900, "observation": 300, "site_rule": 0
    }  # fmt: skip
    again = conn.execute("SELECT DISTINCT readings FROM observation_again").fetchall()
    assert again == [(9,)]


def test_known_images_are_the_latest_successful_reading_of_the_host(
    conn: psycopg.Connection,
) -> None:
    url = f"https://{HOST}/a.jpg"
    old = headers(url, ("ETag", '"old"'), ("Last-Modified", "Mon, 04 May 2026 00:00:00 GMT"))
    new = headers(url, ("etag", '"new"'))
    metadata = Evidence("xmp", "image", url, text="<x:xmpmeta/>")
    records.write(conn, begin(conn), [seen("a", old, page())])
    later = begin(conn)
    records.write(conn, later, [seen("a", new, page(), metadata), seen("b")])
    records.write(conn, later, [Observation(NOW, url, fetched_url=url, refusal="http-503")])
    records.write(conn, begin(conn, "other.example"), [seen("c", old)])

    known = records.known_images(conn, HOST)
    assert set(known) == {url, f"https://{HOST}/b.jpg"}
    assert known[url] == KnownImage(
        picture("a"), "own", (new, metadata), etag='"new"', last_modified=None
    )
    assert known[f"https://{HOST}/b.jpg"].etag is None


def test_a_known_picture_can_be_observed_again(conn: psycopg.Connection) -> None:
    """What a crawler does on a 304: it passes the known picture and evidence on."""
    url = f"https://{HOST}/a.jpg"
    records.write(conn, begin(conn), [seen("a", headers(url, ("ETag", '"1"')))])
    known = records.known_images(conn, HOST)[url]
    again = Observation(
        NOW, url, fetched_url=url, status=304, picture=known.picture, evidence=known.evidence
    )
    records.write(conn, begin(conn), [again])
    assert counts(conn)["image"] == counts(conn)["evidence"] == 1
    assert records.known_images(conn, HOST)[url] == known


ANY_TEXT = st.text(st.characters(codec=None), max_size=30)
NASTY = st.text(st.sampled_from("\0\ud800\udfff\U0010ffffa00"), max_size=12)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(ANY_TEXT | NASTY, ANY_TEXT | NASTY)
def test_any_text_comes_back_as_it_was(conn: psycopg.Connection, text: str, value: str) -> None:
    """NUL, lone surrogates and noncharacters included."""
    url = f"https://{HOST}/a.jpg"
    evidence = Evidence("headers", "image", url + text, ((value, text), ("ETag", value)), text)
    records.write(conn, begin(conn), [seen("a", evidence)])
    known = records.known_images(conn, HOST)[url]
    assert known.evidence == (evidence,)
    assert known.etag == value


@given(ANY_TEXT | NASTY)
def test_packing_is_undone_exactly(text: str) -> None:
    assert unpack(pack(text)) == text
    pack(text).encode("utf-8")
    assert "\0" not in pack(text)


def test_digests_never_change() -> None:
    """Stored digests would no longer be found again: a change needs a migration."""
    evidence = Evidence("headers", "image", "https://a.example/", (("N", "v\0é"),), "t")
    # printf '%s' '["headers","image","https://a.example/",[["N","v\u0000\u00e9"]],"t"]' | sha256sum
    assert evidence_digest(evidence).hex() == (
        "fce9506e69a80ccc3ded6056faf81df219651a41ab9fc0926e274d0959ef7cb8"
    )
    # printf '%s' '{"meaning":"reserved","observed_at":"2026-05-04T12:30:00+00:00","source":"s",
    #               "url":"https://a.example/","use":"train","width":5}' | sha256sum, in one line
    claim = Claim("s", url="https://a.example/", width=5, observed_at=NOW)
    assert claim_digest(claim).hex() == (
        "182df3a5afcef04edaa4bfd76ea10190f05293161d001e045aa9a6c41115a968"
    )
    elsewhere = NOW.astimezone(timezone(timedelta(hours=9)))
    assert claim_digest(replace(claim, observed_at=elsewhere)) == claim_digest(claim)


def killed_soon(conn: psycopg.Connection) -> list[int]:
    """Mark visits as killed; a server takes a moment to notice that a session is gone."""
    for _ in range(100):
        if found := list(visits.mark_killed(conn)):
            return found
        time.sleep(0.05)
    return []


def test_only_visits_that_nobody_holds_are_marked_killed(
    conn: psycopg.Connection, database_url: str
) -> None:
    with connect_to(database_url) as crawler:
        visit = begin(crawler)
        assert visits.mark_killed(conn) == []
    assert killed_soon(conn) == [visit]
    assert visits.mark_killed(conn) == []
    assert conn.execute("SELECT state FROM visit").fetchone() == ("killed",)


def test_a_visit_whose_session_was_lost_is_held_again(
    conn: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)
    plan = PlanRow(spider="gallery", start_url="https://a.example/", host="a.example")
    session = Session()
    record = recorder.start(session, plan, "full", "test")
    conn.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert visits.mark_killed(conn) == [record.visit_id]
    record.write(Batch(b""))
    assert conn.execute("SELECT state FROM visit").fetchone() == ("running",)
    assert visits.mark_killed(conn) == []
    record.finish("finished", {})
    assert conn.execute("SELECT state FROM visit").fetchone() == ("finished",)
    session.close()


def test_an_account_that_only_reads_marks_nothing(
    conn: psycopg.Connection, database_url: str
) -> None:
    with connect_to(database_url) as crawler:
        begin(crawler)
    conn.execute("SET default_transaction_read_only = on")
    assert visits.mark_killed(conn) == []
