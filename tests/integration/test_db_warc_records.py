"""Evidence names its record in a WARC file: written before it is named, and once."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from warc_files import holds, records_at, records_in

from crawler.record import database
from crawler.record.database import Recorder, start
from crawler.record.schedules import PlanRow
from crawler.record.values import Batch
from crawler.warc.captures import Capture
from crawler.warc.writer import Place, WarcWriter
from registry.db.session import Session
from registry.errors import UnwritableOutput
from registry.model import Evidence, UrlReading

NOW = datetime.now(UTC)
PLAN = PlanRow(spider="gallery", start_url="https://art.example/", host="art.example")
MARK = '<meta name="robots" content="noai">'
Begin = Callable[[], Recorder]


@pytest.fixture
def begin(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Begin]:
    """Begin a visit that writes WARC files, or continue it."""
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)
    recorders: list[Recorder] = []

    def begin_visit() -> Recorder:
        recorder = start(Session(), PLAN, "full", "test")
        recorder.archive = WarcWriter(tmp_path)
        recorders.append(recorder)
        return recorder

    yield begin_visit
    for recorder in recorders:
        recorder.session.close()


def page(name: str, mark: str = MARK) -> Evidence:
    return Evidence("html", "page", f"https://art.example/{name}.html", text=mark)


def batch(number: int, *evidence: tuple[Evidence, ...]) -> Batch:
    """Return a batch of pages with evidence, of which the pieces with MARK are marked."""
    readings = [UrlReading("page", pieces[0].url, NOW, pieces) for pieces in evidence]
    captures = [
        Capture(pieces[0].url, NOW, 200, (), (), pieces, tuple(e for e in pieces if MARK in e.text))
        for pieces in evidence
    ]
    return Batch(b"%d" % number, readings=readings, captures=captures)


def recorded(conn: psycopg.Connection) -> dict[str, tuple[str, int, int]]:
    """Return the file, place and size of evidence, by its URL and carrier."""
    query = """SELECT url || ' ' || carrier, file, place, size
        FROM evidence JOIN evidence_record ON evidence_id = id ORDER BY id"""
    return {name: (file, place, size) for name, file, place, size in conn.execute(query)}


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_marked_evidence_is_written_once(
    conn: psycopg.Connection, begin: Begin, tmp_path: Path
) -> None:
    record = begin()
    headers = Evidence("headers", "page", page("a").url, (("Server", "a"),))
    record.write(batch(1, (headers, page("a")), (page("b"),), (page("b"),)))
    found = recorded(conn)
    assert sorted(found) == [f"{page('a').url} html", f"{page('b').url} html"]
    for name, (file, place, size) in found.items():
        records = records_at(tmp_path / file, place, size)
        assert records[0].fields["WARC-Target-URI"] == name.split()[0]
        assert records[0].body == MARK.encode()
    (path,) = files(tmp_path)
    kinds = [record.kind for record in records_in(path.read_bytes())]
    assert kinds == ["warcinfo", *["response", "request"] * 2]
    size = path.stat().st_size
    record.write(batch(2, (headers, page("a")), (page("b"),)))
    assert path.stat().st_size == size
    record.write(batch(3, (replace(headers, text=""), page("a", f"{MARK} "))))
    assert path.stat().st_size > size
    assert len(conn.execute("SELECT FROM evidence_record").fetchall()) == 3
    # Another process has the same evidence.
    other = begin_again(record, begin)
    other.write(batch(4, (headers, page("a"))))
    assert files(tmp_path) == [path]


def begin_again(record: Recorder, begin: Begin) -> Recorder:
    record.finish("finished", {})
    return begin()


def test_a_response_is_written_whole_if_one_of_its_pieces_is_new(
    conn: psycopg.Connection, begin: Begin, tmp_path: Path
) -> None:
    record = begin()
    record.write(batch(1, (page("a"),)))
    (first,) = recorded(conn).values()
    other = replace(page("a"), carrier="xmp", about="image")
    record.write(batch(2, (page("a"), other)))
    found = recorded(conn)
    assert found[f"{page('a').url} html"] == first
    file, place, size = found[f"{page('a').url} xmp"]
    records = records_at(tmp_path / file, place, size)
    assert holds(records, page("a"))
    assert holds(records, other)


class Full(WarcWriter):
    """A writer on a full disk."""

    def write(self, captures: Sequence[Capture]) -> list[Place]:
        raise UnwritableOutput(os.strerror(errno.ENOSPC))


def test_nothing_of_a_batch_is_stored_if_its_captures_cannot_be_written(
    conn: psycopg.Connection, begin: Begin, tmp_path: Path
) -> None:
    record = begin()
    record.archive = Full(tmp_path)
    with pytest.raises(UnwritableOutput):
        record.write(batch(1, (page("a"),)))
    for table in ("evidence", "evidence_record", "visit_journal"):
        assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # type: ignore[call-overload]
    # The next process continues it.
    record.session.close()
    other = begin()
    other.write(batch(1, (page("a"),)))
    assert len(recorded(conn)) == 1


def test_what_a_lost_transaction_wrote_is_not_named(
    conn: psycopg.Connection, begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = begin()
    record.patience = (0.1, 0.2, 0.4)
    keep, calls = database.keep_captures, []

    def lost_once(held: psycopg.Connection, *rest: object) -> None:
        keep(held, *rest)  # type: ignore[arg-type]
        calls.append(held)
        if len(calls) == 1:
            conn.execute("SELECT pg_terminate_backend(%s, 5000)", [held.info.backend_pid])

    monkeypatch.setattr(database, "keep_captures", lost_once)
    record.write(batch(1, (page("a"),)))
    assert len(calls) == 2
    ((file, place, size),) = recorded(conn).values()
    (path,) = files(tmp_path)
    assert (file, place + size) == (path.name, path.stat().st_size)
    assert holds(records_at(path, place, size), page("a"))


def test_without_an_archive_nothing_is_written(
    conn: psycopg.Connection, begin: Begin, tmp_path: Path
) -> None:
    record = begin()
    record.archive = None
    record.write(batch(1, (page("a"),)))
    assert recorded(conn) == {}
    assert files(tmp_path) == []
