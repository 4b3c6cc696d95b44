"""Importing claims and pictures: in bulk, once, and whatever two imports do at the same time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace

import psycopg
import pytest
from made import FULL_CLAIM
from psycopg.rows import dict_row

from registry.db.claims import ImportCounts, import_claims, import_pictures
from registry.db.connect import connect_to
from registry.model import Claim, Picture

FULL = replace(FULL_CLAIM, evidence="said \0 so")
SHA256, MD5 = "ab" * 32, "cd" * 16


def some(number: int, start: int = 0) -> Iterator[Claim]:
    return (Claim("list", url=f"https://art.example/{n}.jpg") for n in range(start, start + number))


def total(conn: psycopg.Connection, table: str = "claim") -> int:
    row = conn.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row
    return int(row[0])


def test_every_field_is_stored(conn: psycopg.Connection) -> None:
    assert import_claims(conn, [FULL]) == ImportCounts(1, 1, 0)
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("SELECT * FROM claim").fetchone()
    assert row
    for field in fields(Claim):
        value = getattr(FULL, field.name)
        if field.name in ("sha256", "md5", "phash64", "phash256"):
            value = bytes.fromhex(value)
        if field.name == "evidence":
            value = "said \U0010ffff000000 so"
        assert row[field.name] == value, field.name


def test_importing_again_adds_nothing(conn: psycopg.Connection) -> None:
    assert import_claims(conn, some(250), batch=100) == ImportCounts(250, 250, 0)
    assert import_claims(conn, some(250), batch=100) == ImportCounts(250, 0, 250)
    assert import_claims(conn, some(10, start=245)) == ImportCounts(10, 5, 5)
    assert total(conn) == 255


def test_a_claim_said_twice_in_one_list_is_one(conn: psycopg.Connection) -> None:
    assert import_claims(conn, [FULL, FULL, *some(1)]) == ImportCounts(3, 2, 1)


def test_the_same_words_of_another_source_are_another_claim(conn: psycopg.Connection) -> None:
    url = "https://art.example/a.jpg"
    claims = [Claim("one", url=url), Claim("two", url=url), Claim("one", url=url, use="tdm")]
    assert import_claims(conn, claims).added == 3


def test_nothing_to_import_is_nothing(conn: psycopg.Connection) -> None:
    assert import_claims(conn, []) == import_pictures(conn, []) == ImportCounts()


def test_what_was_read_before_an_interruption_stays(conn: psycopg.Connection) -> None:
    def interrupted() -> Iterator[Claim]:
        yield from some(250)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_claims(conn, interrupted(), batch=100)
    assert total(conn) == 200
    assert import_claims(conn, some(250), batch=100) == ImportCounts(250, 50, 200)


def test_two_imports_of_the_same_list_at_once(conn: psycopg.Connection, database_url: str) -> None:
    lists = [list(some(400)), list(some(400))[::-1]]
    counts: list[ImportCounts] = []
    barrier = threading.Barrier(2)

    def load(claims: list[Claim]) -> None:
        with connect_to(database_url) as own:
            barrier.wait()
            counts.append(import_claims(own, claims, batch=200))

    threads = [threading.Thread(target=load, args=(claims,)) for claims in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts, ImportCounts()) == ImportCounts(800, 400, 400)
    assert total(conn) == 400


def test_a_signal_at_a_commit_waits_until_the_batch_is_counted(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = conn.transaction

    @contextmanager
    def interrupted() -> Iterator[None]:
        with whole():
            yield
        signal.raise_signal(signal.SIGINT)

    counts: list[ImportCounts] = []
    with monkeypatch.context() as patched:
        patched.setattr(conn, "transaction", interrupted)
        with pytest.raises(KeyboardInterrupt):
            import_claims(conn, some(25), batch=10, on_batch=counts.append)
    assert counts == [ImportCounts(10, 10, 0)]
    assert total(conn) == 10
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_picture_brings_its_image_and_fingerprints(conn: psycopg.Connection) -> None:
    picture = Picture(SHA256, MD5, 64, 48, "png", 999, {"phash64": {"full": "8f0e1d2c3b4a5968"}})
    claim = Claim("paintings", sha256=SHA256, md5=MD5, phash64="8f0e1d2c3b4a5968")
    assert import_pictures(conn, [(picture, claim)]) == ImportCounts(1, 1, 0)
    assert import_pictures(conn, [(picture, claim)]) == ImportCounts(1, 0, 1)
    assert [total(conn, table) for table in ("image", "fingerprint", "claim")] == [1, 1, 1]
    row = conn.execute(
        "SELECT image.width, image.format, fingerprint.bits = claim.phash64"
        " FROM claim JOIN image USING (sha256) JOIN fingerprint ON image_id = image.id"
    ).fetchone()
    assert row == (64, "png", True)


def test_more_pictures_than_a_batch_holds(conn: psycopg.Connection) -> None:
    digests = [f"{n:064x}" for n in range(25)]
    pairs = [(Picture(d, d[32:], 64, 48, "png", 1), Claim("p", sha256=d)) for d in digests]
    assert import_pictures(conn, pairs, batch=10) == ImportCounts(25, 25, 0)
    assert total(conn, "image") == 25
