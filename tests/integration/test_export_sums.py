"""Sums of segments: each change of the registry changes those of its own segments only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import get_args

import psycopg
import pytest
from begun import begun_visit
from test_export import HOST, picture, robots, seen, two_segments

from registry.db import records
from registry.db.claims import import_claims, import_pictures, withdraw_ids
from registry.db.export import exporting
from registry.fingerprints import algorithms
from registry.model import Claim
from registry.snapshot.source import Group

__all__ = ["two_segments"]

Sums = dict[tuple[str, int | str], str]
FIRST = Claim("one", sha256=f"{1:064x}")
ENDED = "UPDATE visit SET state = %s WHERE host = %s"


def sums(conn: psycopg.Connection) -> Sums:
    """Return the sums of every segment by group and number, and of hosts."""
    with exporting(conn) as export:
        found: Sums = {}
        for group in get_args(Group):
            found |= {(group, number): text for number, text in export.sums(group).items()}
        return found | {("host", host): text for host, text in export.host_sums().items()}


def changed(before: Mapping[tuple[str, int | str], str], after: Sums) -> set[tuple[str, int | str]]:
    keys = {*before, *after}
    return {key for key in keys if before.get(key) != after.get(key)}


def write(*read: object) -> Callable[[psycopg.Connection], None]:
    """Return what records readings by a visit that is there already."""

    def step(conn: psycopg.Connection) -> None:
        files = [one for one in read if hasattr(one, "host")]
        records.write(conn, 1, [one for one in read if one not in files], files)  # type: ignore[misc]

    return step


def claim(*claims: Claim) -> Callable[[psycopg.Connection], object]:
    return lambda conn: import_claims(conn, claims)


def execute(query: str, *values: object) -> Callable[[psycopg.Connection], object]:
    return lambda conn: conn.execute(query, values)  # type: ignore[call-overload]


def restored(conn: psycopg.Connection) -> None:
    withdraw_ids(conn, [1], None)
    before = sums(conn)
    import_claims(conn, [FIRST])
    assert changed(before, sums(conn)) == {("claims", 0)}


def finished(conn: psycopg.Connection) -> None:
    whole = sums(conn)
    conn.execute(ENDED, ["suspect", "b.example"])
    before = sums(conn)
    conn.execute(ENDED, ["finished", "b.example"])
    assert sums(conn) == whole
    assert changed(before, whole) == {
        *(("observations", 0), ("observations", 2), ("site-files", 0), ("site-files", 2)),
        *(("host", HOST), ("host", "b.example")),
    }


def named(conn: psycopg.Connection) -> None:
    import_pictures(conn, [(picture(1), replace(FIRST, file_name="a.png"))])


def viewed(conn: psycopg.Connection) -> None:
    records.write(conn, 1, [replace(seen(1, 9, "noai"), picture=picture(1, "cleared"))])


CHANGES = {
    "a new claim": (claim(Claim("new", url="https://art.example/new")), {("claims", 2)}),
    "a withdrawal": (lambda conn: withdraw_ids(conn, [1], None), {("claims", 0)}),
    "a restoration": (restored, {("claims", 0)}),
    "a file name": (named, {("claims", 0)}),
    "a known claim": (claim(FIRST), set()),
    "a claim gone": (execute("DELETE FROM claim WHERE id = 2"), {("claims", 0)}),
    # Its id is in another segment than the first reading of its place.
    "a new reading": (write(seen(2, 9, "noindex")), {("observations", 0)}),
    "an equal reading": (write(seen(1, 9)), {("observations", 0)}),
    "an equal reading, far": (write(seen(3, 9)), {("observations", 2)}),
    "a new place": (write(seen(2, 9, page="https://art.example/2")), {("observations", 2)}),
    "a new picture": (write(seen(7, 9)), {("observations", 2), ("pictures", 2)}),
    "a suspect visit": (
        execute(ENDED, "suspect", HOST),
        {("observations", 0), ("site-files", 0), ("host", HOST)},
    ),
    "a visit that finishes": (finished, set()),
    "a view": (viewed, {("observations", 0), ("pictures", 0)}),
    "a fingerprint gone": (
        execute("DELETE FROM fingerprint WHERE image_id = 2 AND view = 'black'"),
        {("pictures", 0)},
    ),
    "a fingerprint of another version": (
        execute("INSERT INTO fingerprint VALUES (1, 'phash64', 'full', '\\x00', 'other')"),
        set(),
    ),
    "a site file": (write(robots(HOST, 9, "new")), {("site-files", 0), ("host", HOST)}),
    "an equal site file": (write(robots(HOST, 9, "c")), {("site-files", 0), ("host", HOST)}),
    "another host": (
        write(robots("c.example", 9, "a")),
        {("site-files", 2), ("host", "c.example")},
    ),
    "a new visit": (lambda conn: begun_visit(conn, "c.example"), set()),
    "evidence alone": (
        execute(
            "INSERT INTO evidence (digest, carrier, about, url)"
            " VALUES (sha256('a'), 'html', 'page', 'u')"
        ),
        set(),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_changes_the_sums_of_its_segments(
    name: str, two_segments: psycopg.Connection
) -> None:
    before = sums(two_segments)
    assert {number for _, number in before} == {0, 2, HOST, "b.example"}
    assert sums(two_segments) == before
    step, expected = CHANGES[name]
    step(two_segments)
    assert changed(before, sums(two_segments)) == expected


def test_equal_rows_do_not_cancel_each_other_out(conn: psycopg.Connection) -> None:
    import_claims(conn, [Claim("one", sha256=f"{n:064x}") for n in range(4)])
    conn.execute("UPDATE claim SET file_name = 'same.png'")
    before = sums(conn)
    conn.execute("UPDATE claim SET file_name = 'other.png' WHERE id IN (1, 2)")
    assert changed(before, sums(conn)) == {("claims", 0)}
    withdraw_ids(conn, [1, 2], None)
    ended = sums(conn)
    conn.execute("UPDATE claim_withdrawal SET restored_at = withdrawn_at + interval '1 day'")
    assert changed(ended, sums(conn)) == {("claims", 0)}


def test_rows_that_change_places_change_the_sum(two_segments: psycopg.Connection) -> None:
    before = sums(two_segments)
    two_segments.execute(
        "UPDATE observation SET page_url = image_url, image_url = page_url WHERE id = 2"
    )
    assert changed(before, sums(two_segments)) == {("observations", 0)}


def test_a_new_version_of_an_algorithm_changes_the_sums_of_pictures(
    two_segments: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sums(two_segments)
    newer = {name: known._replace(version="next") for name, known in algorithms().items()}
    monkeypatch.setattr("registry.fingerprints.algorithms", lambda: newer)
    assert changed(before, sums(two_segments)) == {("pictures", 0), ("pictures", 2)}


def test_sums_do_not_depend_on_the_session(two_segments: psycopg.Connection) -> None:
    before = sums(two_segments)
    two_segments.execute("SET TimeZone = 'Asia/Tokyo'")
    two_segments.execute("SET bytea_output = 'escape'")
    two_segments.execute("SET DateStyle = 'German'")
    assert sums(two_segments) == before
