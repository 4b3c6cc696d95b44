"""Reading the registry by segment: each method against plain SQL or the rows as a whole."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from begun import begun_visit
from exported import every
from made import FULL_CLAIM, day

from registry.db import records
from registry.db.claims import import_claims, withdraw_ids
from registry.db.export import Export, exporting
from registry.db.rows import (
    SEGMENT_BITS,
    ClaimRow,
    EvidenceRow,
    ImageRow,
    ObservationRow,
    SiteRuleRow,
    ViewRow,
)
from registry.db.values import pack
from registry.model import Claim, Evidence, Observation, Picture, SiteFile

HOST = "art.example"
PAGE = f"https://{HOST}/page"
SIZE = 1 << SEGMENT_BITS
TABLES = ("claim", "observation", "site_rule", "image")
HASHES = ("sha256", "md5", "phash64", "phash256")
COLUMNS = {
    "id": pa.int64(),
    **dict.fromkeys(("source", "url", "page_url", "site", "path_pattern"), pa.string()),
    "sha256": pa.binary(32),
    "md5": pa.binary(16),
    "phash64": pa.uint64(),
    "phash256": pa.binary(32),
    "width": pa.int32(),
    "height": pa.int32(),
    **dict.fromkeys(("meaning", "use", "signal", "evidence"), pa.string()),
    "since": pa.timestamp("us", "UTC"),
    **dict.fromkeys(("licence_url", "file_name", "claimant"), pa.string()),
}


def picture(number: int, *views: str) -> Picture:
    """Return a picture with fingerprints of the full view and of these."""
    hexes = {view: random.Random(f"{number} {view}").randbytes(32).hex() for view in views}
    near = {view: code[:16] for view, code in hexes.items()}
    sha256 = number.to_bytes(32).hex()
    prints = {"phash64": near, "phash256": hexes} if views else {}
    return Picture(sha256, number.to_bytes(16).hex(), 640, 480, "png", 999, prints)


def seen(number: int, on: int, noai: str = "noai", page: str | None = PAGE) -> Observation:
    url = f"https://{HOST}/{number}.png"
    evidence = Evidence("headers", "image", url, (("X-Robots-Tag", noai),))
    shown = picture(number, "full", "black")
    return Observation(day(on), url, page, url, "own", 200, None, shown, (evidence,))


def robots(host: str, on: int, text: str) -> SiteFile:
    url = f"https://{host}/robots.txt"
    evidence = Evidence("robots-txt", "site", url, text=text)
    return SiteFile(day(on), host, url, "robots-txt", 200, None, evidence)


def set_last(conn: psycopg.Connection, last: int) -> None:
    """Set the last id of every table."""
    for table in TABLES:
        conn.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, last])


@pytest.fixture
def two_segments(conn: psycopg.Connection) -> psycopg.Connection:
    """Rows in the segments 0 and 2; readings of places and files of the first in both."""
    visit = begun_visit(conn, HOST)
    records.write(conn, visit, [seen(1, 1), seen(2, 1)], [robots(HOST, 1, "a")])
    records.write(conn, visit, [seen(1, 2, "noai, noindex")])
    for number in (1, 2, 3):
        import_claims(conn, [Claim("one", sha256=f"{number:064x}")])
    conn.execute("UPDATE visit SET state = 'finished'")
    set_last(conn, 2 * SIZE - 1)
    visit = begun_visit(conn, "b.example")
    records.write(conn, visit, [seen(3, 3), seen(3, 3, page=None)], [robots("b.example", 3, "b")])
    records.write(conn, visit, [seen(1, 4)], [robots(HOST, 4, "c")])
    import_claims(conn, [Claim("two", url=PAGE), Claim("two", sha256=f"{4:064x}")])
    conn.execute("UPDATE visit SET state = 'finished'")
    return conn


def segments(export: Export, group: str, read: Callable[[int], Iterator[Any]]) -> dict[int, Any]:
    """Return the rows of every segment of a group that has a sum."""
    return {number: list(read(number)) for number in sorted(export.sums(group))}


def test_segments_hold_all_rows_in_the_order_of_the_whole(
    two_segments: psycopg.Connection,
) -> None:
    with exporting(two_segments) as export:
        pictures = segments(export, "pictures", export.pictures)
        views = segments(export, "pictures", export.views)
        assert [row for rows in pictures.values() for row in rows] == every(two_segments, ImageRow)
        assert [row for rows in views.values() for row in rows] == every(two_segments, ViewRow)
        observations = segments(export, "observations", export.observations)
        for rows in observations.values():
            ids = {row.id for row in rows}
            assert rows == [row for row in every(two_segments, ObservationRow) if row.id in ids]
        files = segments(export, "site-files", export.site_files)
        for file_rows in files.values():
            ids = {row.id for row in file_rows}
            assert file_rows == [row for row in every(two_segments, SiteRuleRow) if row.id in ids]
    assert [len(rows) for rows in pictures.values()] == [2, 1]
    assert [len(rows) for rows in views.values()] == [2, 1]
    # By image URL and page URL, oldest first; all readings of a place are where its first is.
    ids_of = {number: [row.id for row in rows] for number, rows in observations.items()}
    far = 2 * SIZE
    assert ids_of == {0: [1, 3, far + 2, 2], 2: [far + 1, far]}
    assert {n: [row.id for row in rows] for n, rows in files.items()} == {
        0: [1, far + 1],
        2: [far],
    }


def test_ids_at_the_ends_of_a_segment(conn: psycopg.Connection) -> None:
    visit = begun_visit(conn)
    for number, last in enumerate((SIZE - 2, SIZE - 1, 2 * SIZE - 2)):
        set_last(conn, last)
        records.write(conn, visit, [seen(number, 1)], [robots(f"{number}.example", 1, "a")])
        import_claims(conn, [Claim("one", url=f"{PAGE}/{number}")])
    ends = {0: [SIZE - 1], 1: [SIZE, 2 * SIZE - 1]}
    with exporting(conn) as export:
        for group, read in (
            ("pictures", export.pictures),
            ("observations", export.observations),
            ("site-files", export.site_files),
        ):
            rows: dict[int, Any] = segments(export, group, read)  # type: ignore[arg-type]
            assert {n: [row.id for row in part] for n, part in rows.items()} == ends, group
        claims = {n: export.claims(n)["id"].to_pylist() for n in export.sums("claims")}
        assert claims == ends
        assert not list(export.pictures(2))
        assert export.claims(2).num_rows == 0


def test_two_readings_of_a_new_picture_in_one_batch_have_one_first(
    conn: psycopg.Connection,
) -> None:
    visit = begun_visit(conn)
    records.write(conn, visit, [seen(1, 1), seen(2, 1), seen(1, 2, "noindex"), seen(1, 2, "b")])
    records.write(conn, visit, [seen(1, 3, "c"), seen(1, 3, page=None), seen(1, 4, page="")])
    rows = conn.execute("SELECT id, first_id FROM observation ORDER BY id").fetchall()
    assert rows == [(1, 1), (2, 2), (3, 1), (4, 1), (5, 1), (6, 6), (7, 7)]


def test_equal_readings_of_places_with_one_key_are_told_apart(conn: psycopg.Connection) -> None:
    """A page without a URL and one with an empty URL have the same key in the index."""
    visit = begun_visit(conn)
    for on in (1, 2):
        records.write(conn, visit, [seen(1, on, page=None), seen(1, on, page="")])
    with exporting(conn) as export:
        rows = [(row.id, row.page_url, row.again) for row in export.observations(0)]
    assert rows == [(1, None, 1), (2, "", 1)]


def test_rows_by_id_and_host(two_segments: psycopg.Connection) -> None:
    conn = two_segments
    with exporting(conn) as export:
        digests = dict(conn.execute("SELECT id, sha256 FROM image").fetchall())
        assert len(digests) == 3
        assert export.picture_digests(list(digests)) == digests
        assert export.picture_digests({1, 99}) == {1: digests[1]}
        assert export.picture_digests([]) == {}
        whole = every(two_segments, EvidenceRow)
        assert list(export.evidence({row.id for row in whole})) == whole
        assert list(export.evidence({whole[-1].id, whole[0].id})) == [whole[0], whole[-1]]
        assert not list(export.evidence([]))
        rules = every(two_segments, SiteRuleRow)
        hosts = {HOST, "absent.example"}
        assert list(export.site_files_of(hosts)) == [r for r in rules if r.host == HOST]
        assert list(export.site_files_of([HOST, "b.example"])) == rules
        assert len(rules) == 3
        # Two may be read at the same time.
        assert next(zip(export.pictures(0), export.views(0), strict=True))[0].id == 1


def test_an_empty_registry_has_no_segments(conn: psycopg.Connection) -> None:
    with exporting(conn) as export:
        for group in ("pictures", "observations", "site-files", "claims"):
            assert export.sums(group) == {}
        assert export.host_sums() == {}
        table = export.claims(0)
    assert table.schema == pa.schema(list(COLUMNS.items()))
    assert table.num_rows == 0


def claimed(conn: psycopg.Connection) -> pa.Table:
    """Return the claims of the first segment, checked against those read one by one."""
    with exporting(conn) as export:
        table, rows = export.claims(0), every(conn, ClaimRow)
    assert table.schema == pa.schema(list(COLUMNS.items()))
    table.validate(full=True)
    expected = [asdict(row) for row in rows]
    for row in expected:
        del row["image_id"]
        row["phash64"] = row["phash64"] and int.from_bytes(row["phash64"])
    unpacked = [
        {name: pack(v) if isinstance(v, str) else v for name, v in row.items()}
        for row in table.to_pylist()
    ]
    assert unpacked == expected
    return table


ODD = (
    '"', '""', "'", ",", "\n", "\r", "\r\n", "\\", "\\.", "\\N", "", " ", "a,b\n\"c\"\r\nd", "\t",
    "\0", "a\0b", "\U0010ffff", "\U0010ffff000000", "NULL", "null", "NaN", "é\u2028中\U0001f5bc",
)  # fmt: skip


def test_claims_with_odd_texts_and_nulls(conn: psycopg.Connection) -> None:
    claims = [FULL_CLAIM, Claim("", site="a.example"), Claim("x", md5="00" * 16)]
    for text in ODD:
        claims.append(Claim(text, url=text + "x", evidence=text, file_name=text, claimant=text))
        claims.append(
            Claim("b", phash64="f" * 16, page_url=text, site=text, path_pattern=text, signal=text)
        )
    claims += [Claim("c", url="c", meaning="conditional", claimant=text) for text in ODD]
    claims.append(Claim("long", url=PAGE, evidence="long \n" * 500_000))
    # Digests sort the rows of a batch.
    for claim in claims:
        import_claims(conn, [claim])
    table = claimed(conn)
    names = ("source", "url", "page_url", "site", "path_pattern", "signal", "evidence")
    for claim, row in zip(claims, table.to_pylist(), strict=True):
        for name in (*names, "licence_url", "file_name", "width", "height", "meaning", "use"):
            assert row[name] == getattr(claim, name), name
        assert row["claimant"] == (claim.claimant if claim.meaning == "conditional" else None)
        for name in HASHES:
            text = getattr(claim, name)
            as_bytes = None if text is None else bytes.fromhex(text)
            number = as_bytes and int.from_bytes(as_bytes)
            assert row[name] == (number if name == "phash64" else as_bytes)
    assert table["phash64"].null_count == len(claims) - len(ODD) - 1


def test_a_text_with_a_lone_surrogate_stays_packed(conn: psycopg.Connection) -> None:
    import_claims(conn, [Claim("a \ud800\0", url="b \0")])
    with exporting(conn) as export:
        table = export.claims(0)
    table.validate(full=True)
    assert table["source"].to_pylist() == [pack("a \ud800\0")]
    assert table["url"].to_pylist() == ["b \0"]


def test_claims_of_random_nulls(conn: psycopg.Connection) -> None:
    chance = random.Random(7)

    def some(value: Any) -> Any:
        return value if chance.random() < 0.5 else None

    def claim(number: int) -> Claim:
        bits = chance.randbytes(32).hex()
        return Claim(
            f"s{number}",
            url=f"{PAGE}/{number}",
            **{name: some(bits[: 16 if name == "phash64" else 64]) for name in HASHES[::3]},
            phash64=some(bits[:16]),
            md5=some(bits[:32]),
            width=some(number),
            height=some(number),
            licence_url=some(PAGE),
            observed_at=some(datetime(1969, 12, 31, 23, 59, 59, number, UTC)),
        )

    import_claims(conn, [claim(number) for number in range(500)])
    assert claimed(conn).num_rows == 500


def test_withdrawn_claims_are_left_out_and_restored_ones_dated_anew(
    conn: psycopg.Connection,
) -> None:
    claims = [Claim("one", url=f"{PAGE}/{n}", observed_at=day(1)) for n in range(3)]
    for claim in claims:
        import_claims(conn, [claim])
    withdraw_ids(conn, [1, 2], None)
    assert claimed(conn)["id"].to_pylist() == [3]
    import_claims(conn, claims)
    restored = conn.execute("SELECT restored_at FROM claim_withdrawal ORDER BY claim_id").fetchall()
    assert claimed(conn)["since"].to_pylist() == [*(when for (when,) in restored), day(1)]
    withdraw_ids(conn, [1, 2, 3], None)
    assert claimed(conn).num_rows == 0
