"""What `registry history` tells of a target, out of a real database."""

from collections.abc import Sequence
from datetime import timedelta

import psycopg
import pytest
from begun import begun_visit
from made import day

from registry.db import claims, records, visits
from registry.errors import UsageError
from registry.lookups.history import History, history
from registry.model import Claim, Evidence, Observation, Picture, SiteFile

URL = "https://art.example/1.jpg"
PAGE = "https://art.example/page"
ROBOTS = "https://art.example/robots.txt"
CODE = "c9b6a7d8469c1959"
MARK = (("X-Robots-Tag", "noimageai"),)


def picture(number: int = 1, code: str = CODE, wide: str = "5a" * 32) -> Picture:
    prints = {"phash64": {"full": code}, "phash256": {"full": wide}}
    return Picture(f"{number:064x}", f"{number:032x}", 640, 480, "JPEG", 1000, prints)


def seen(
    on: int,
    lines: Sequence[tuple[str, str]] = (),
    shown: Picture | None = None,
    refusal: str | None = None,
    url: str = URL,
) -> Observation:
    said = (Evidence("headers", "image", url, tuple(lines)),) if lines else ()
    page = Evidence("html", "page", PAGE, text="<p>")
    shown = shown if refusal else shown or picture()
    return Observation(day(on), url, PAGE, url, "own", 200, refusal, shown, (page, *said))


def robots(on: int, text: str | None, refusal: str | None = None) -> SiteFile:
    said = None if text is None else Evidence("robots-txt", "site", ROBOTS, text=text)
    return SiteFile(day(on), "art.example", ROBOTS, "robots-txt", 200, refusal, said)


def record(
    conn: psycopg.Connection, observations: list[Observation], files: Sequence[SiteFile] = ()
) -> None:
    visit = begun_visit(conn, start_url=PAGE, started_at=day(1))
    records.write(conn, visit, observations, files)
    visits.finish_visit(conn, visit, state="finished", counts={})


def told(found: History) -> list[tuple[str, int, int, int, str]]:
    (place,) = found.places
    return [(e.what, e.first.day, e.last.day, e.count, e.text) for e in place.events]


def test_marks_refusals_and_pictures_are_told_in_order(conn: psycopg.Connection) -> None:
    other = picture(2, "1" * 16)
    bare = (("ETag", "x"),)
    record(
        conn,
        [
            seen(1, bare),
            *(seen(number, MARK) for number in (2, 3, 4)),
            seen(5, [("X-Robots-Tag", "noai, noimageai")]),
            seen(6, refusal="http-404"),
            seen(7, refusal="http-404"),
            seen(8, refusal="robots-txt"),
            seen(9, bare, other),
        ],
    )
    first, second = picture().sha256, other.sha256
    tag = "X-Robots-Tag: "
    assert told(history(conn, URL)) == [
        ("picture", 1, 1, 1, first),
        ("seen", 1, 1, 1, ""),
        ("mark", 2, 2, 1, f"{tag}noimageai"),
        ("seen", 2, 4, 3, ""),
        ("changed", 5, 5, 1, f"{tag}noai, noimageai"),
        ("seen", 5, 5, 1, ""),
        ("refused", 6, 7, 2, "http-404"),
        ("refused", 8, 8, 1, "robots-txt"),
        ("picture", 9, 9, 1, second),
        ("went", 9, 9, 1, f"{tag}noai, noimageai"),
        ("seen", 9, 9, 1, ""),
    ]
    changed = history(conn, URL).places[0].events[4]
    assert (changed.before, changed.names) == (f"{tag}noimageai", ("noai", "noimageai"))
    assert changed.url == URL


def test_thousands_of_readings_alike_are_one_line(conn: psycopg.Connection) -> None:
    from dataclasses import replace

    rows = [
        replace(seen(1, MARK), observed_at=day(1) + timedelta(minutes=minute))
        for minute in range(3000)
    ]
    record(conn, rows)
    assert [(what, count) for what, _, _, count, _ in told(history(conn, URL))] == [
        ("picture", 1),
        ("mark", 1),
        ("seen", 3000),
    ]


@pytest.mark.parametrize(
    "target",
    [
        "http://art.example/1.jpg?utm_source=x#f",
        "HTTPS://ART.EXAMPLE/%31.jpg",
        PAGE,
        CODE,
        "c9b6a7d8469c195a",
        f"{1:064x}",
        f"{1:032x}",
        "5a" * 32,
    ],
)
def test_the_place_is_found_by_url_page_hash_and_digest(
    conn: psycopg.Connection, target: str
) -> None:
    record(conn, [seen(1, MARK), seen(1, url="https://other.example/2.jpg", refusal="http-404")])
    assert URL in [place.url for place in history(conn, target).places]


def test_rules_that_reach_a_picture_are_told_with_their_changes(conn: psycopg.Connection) -> None:
    shut = "User-agent: GPTBot\nDisallow: /1.jpg\n"
    files = [
        robots(1, "User-agent: *\nDisallow: /elsewhere/\n"),
        robots(2, shut),
        robots(3, None, "http-503"),
        robots(4, shut),
        robots(5, None, "http-404"),
    ]
    record(conn, [seen(1)], files)
    (file,) = history(conn, URL).files
    assert [(e.what, e.first.day, e.text) for e in file.events if e.what != "mark"] == [
        ("seen", 1, ""),
        ("seen", 2, ""),
        ("refused", 3, "http-503"),
        ("seen", 4, ""),
        ("went", 5, next(e.text for e in file.events if e.what == "mark")),
        ("refused", 5, "http-404"),
    ]
    (of_site,) = history(conn, "art.example").files
    assert of_site.kind == "robots-txt"
    assert any("/elsewhere/" in event.text for event in of_site.events)


def test_claims_are_told_by_url_picture_and_site(conn: psycopg.Connection) -> None:
    record(conn, [seen(1)])
    lists = [
        Claim(source="by url", url="http://art.example/1.jpg"),
        Claim(source="by site", site="art.example"),
        Claim(source="where from", site="art.example", url="https://art.example/9.jpg"),
        Claim(source="by hash", phash64=CODE),
    ]
    claims.import_claims(conn, lists)
    assert {c.claim.source for c in history(conn, URL).claims} == {"by url", "by site"}
    assert {c.claim.source for c in history(conn, CODE).claims} == {"by hash"}
    assert {c.claim.source for c in history(conn, "art.example").claims} == {"by site"}


def test_nothing_recorded_and_no_target(conn: psycopg.Connection) -> None:
    assert history(conn, "https://nowhere.example/1.jpg").is_empty
    with pytest.raises(UsageError):
        history(conn, "no target")


def test_a_claim_that_was_withdrawn_is_told_with_its_dates(conn: psycopg.Connection) -> None:
    claims.import_claims(conn, [Claim(source="a list", url=URL)])
    claims.withdraw_source(conn, "a list", "the artist asked")
    (claim,) = history(conn, URL).claims
    assert [w.reason for w in claim.withdrawals] == ["the artist asked"]
    assert claim.is_withdrawn


def test_rules_of_a_host_that_was_recorded_in_another_spelling(conn: psycopg.Connection) -> None:
    from dataclasses import replace

    shut = robots(1, "User-agent: GPTBot\nDisallow: /\n")
    record(
        conn, [seen(1)], [replace(shut, host="[2001:DB8:0::1]"), replace(shut, host="Art.Example")]
    )
    assert [file.host for file in history(conn, "[2001:db8::1]").files] == ["[2001:db8::1]"]
    assert [file.host for file in history(conn, URL).files] == ["art.example"]
