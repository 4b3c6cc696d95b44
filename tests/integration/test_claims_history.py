"""What becomes of claims later: file names they get, withdrawals, and their return."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from exported import every

from registry.db.claims import (
    ImportCounts,
    Withdrawal,
    count_current,
    import_claims,
    import_pictures,
    list_claims,
    withdraw_ids,
    withdraw_source,
)
from registry.db.export import position
from registry.db.rows import ClaimRow
from registry.errors import UsageError
from registry.model import Claim, Picture
from registry.snapshot.publish import publish_numbered, up_to_date

URL = "https://art.example/a.jpg"
DIGEST = "ab" * 32
PICTURE = Picture(DIGEST, "cd" * 16, 64, 48, "png", 999)
OBSERVED = datetime(2024, 5, 31, tzinfo=UTC)


def painted(name: str | None) -> tuple[Picture, Claim]:
    return PICTURE, Claim("paintings", sha256=DIGEST, file_name=name)


def exported(conn: psycopg.Connection) -> list[ClaimRow]:
    return every(conn, ClaimRow)


def history(conn: psycopg.Connection) -> list[tuple[Withdrawal, ...]]:
    return [stored.withdrawals for stored in list_claims(conn, limit=100)]


def test_a_renamed_picture_is_the_same_claim_with_its_first_name(conn: psycopg.Connection) -> None:
    assert import_pictures(conn, [painted("a.png")]) == ImportCounts(1, 1, 0)
    assert import_pictures(conn, [painted("b/c.png")]) == ImportCounts(1, 0, 1)
    assert import_pictures(conn, [painted(None)]) == ImportCounts(1, 0, 1)
    assert [row.file_name for row in exported(conn)] == ["a.png"]


def test_a_claim_of_an_earlier_version_gets_its_name(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    assert import_pictures(conn, [painted(None)]) == ImportCounts(1, 1, 0)
    publish_numbered(conn, tmp_path)
    assert import_pictures(conn, [painted("a.png")]) == ImportCounts(1, 0, 1)
    assert [row.file_name for row in exported(conn)] == ["a.png"]
    assert up_to_date(conn, tmp_path) is None


def test_a_name_that_is_no_text_is_kept_readable(conn: psycopg.Connection) -> None:
    import_pictures(conn, [painted("a\\xff\n.png")])
    (stored,) = list_claims(conn, limit=1)
    assert stored.claim.file_name == "a\\xff\n.png"


def test_withdrawn_claims_stay_and_leave_the_export(conn: psycopg.Connection) -> None:
    import_claims(conn, [Claim("one", url=URL), Claim("two", url=URL), Claim("two", site="b.c")])
    before = position(conn)
    assert count_current(conn, "two") == 2
    assert withdraw_source(conn, "two", "a mistake") == 2
    assert withdraw_source(conn, "two", "again") == count_current(conn, "two") == 0
    assert [row.source for row in exported(conn)] == ["one"]
    assert position(conn) != before
    assert [len(withdrawals) for withdrawals in history(conn)] == [0, 1, 1]
    assert [w.reason for (w,) in history(conn)[1:]] == ["a mistake"] * 2
    assert [s.claim.source for s in list_claims(conn, withdrawn=True, limit=9)] == ["two", "two"]


def test_a_withdrawn_claim_that_is_imported_stands_again(conn: psycopg.Connection) -> None:
    claims = [Claim("one", url=URL, observed_at=OBSERVED), Claim("one", site="b.c")]
    import_claims(conn, claims)
    (stored, _) = list_claims(conn, limit=2)
    assert withdraw_ids(conn, [stored.id], None) == 1
    withdrawn = position(conn)
    assert import_claims(conn, claims) == ImportCounts(2, 0, 1, 1)
    assert position(conn) != withdrawn
    (again,), other = history(conn)
    assert other == ()
    assert again.restored_at is not None
    assert again.restored_at >= again.withdrawn_at
    assert next(row.since for row in exported(conn)) == again.restored_at
    assert withdraw_ids(conn, [stored.id], "once more") == 1
    assert import_claims(conn, claims) == ImportCounts(2, 0, 1, 1)
    assert len(history(conn)[0]) == 2
    assert len(exported(conn)) == 2


def test_snapshots_notice_withdrawals(conn: psycopg.Connection, tmp_path: Path) -> None:
    import_claims(conn, [Claim("one", url=URL), Claim("two", url=URL)])
    first = publish_numbered(conn, tmp_path)
    assert up_to_date(conn, tmp_path) == first
    withdraw_source(conn, "two", None)
    assert up_to_date(conn, tmp_path) is None
    second = publish_numbered(conn, tmp_path)
    assert up_to_date(conn, tmp_path) == second
    import_claims(conn, [Claim("two", url=URL)])
    assert up_to_date(conn, tmp_path) is None


def test_an_unknown_id_withdraws_nothing(conn: psycopg.Connection) -> None:
    import_claims(conn, [Claim("one", url=URL)])
    (stored,) = list_claims(conn, limit=2)
    with pytest.raises(UsageError, match="no claim has the id 99"):
        withdraw_ids(conn, [stored.id, 99], None)
    assert history(conn) == [()]


def test_claims_are_listed_in_pages(conn: psycopg.Connection) -> None:
    import_claims(conn, [Claim("one" if n % 2 else "two", url=f"{URL}?{n}") for n in range(10)])
    first = list_claims(conn, source="one", limit=3)
    rest = list_claims(conn, source="one", after=first[-1].id, limit=3)
    assert [len(first), len(rest)] == [3, 2]
    assert {stored.claim.source for stored in first + rest} == {"one"}


def test_every_field_is_listed_as_it_was_imported(conn: psycopg.Connection) -> None:
    claim = Claim(
        "s \0", url=URL, phash64="8f0e1d2c3b4a5968", evidence="a \0", observed_at=OBSERVED
    )
    import_claims(conn, [claim])
    assert [stored.claim for stored in list_claims(conn, source="s \0", limit=2)] == [claim]
