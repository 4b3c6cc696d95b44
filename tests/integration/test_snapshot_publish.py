"""Publishing snapshots from a real database: numbers, pointer, concurrency, what a kill leaves."""

import os
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from begun import begun_visit
from made import day, earlier_format, pictures_of

from registry import durable
from registry.db import claims, records
from registry.db.connect import connect_to
from registry.db.export import exporting, position
from registry.errors import UnwritableOutput, UsageError
from registry.fingerprints import algorithms
from registry.model import Claim, Evidence, Observation, Picture, SiteFile
from registry.snapshot import store
from registry.snapshot.format import KINDS
from registry.snapshot.opened import Snapshot, open_snapshot
from registry.snapshot.publish import publish_folder, publish_numbered, up_to_date

URL = "https://art.example/1.jpg"
PAGE = "https://art.example/page"
CODE = "c9b6a7d8469c1959"
PICTURE = Picture(
    sha256="ab" * 32,
    md5="cd" * 16,
    width=640,
    height=480,
    format="JPEG",
    size=1000,
    fingerprints={"phash64": {"full": CODE}, "phash256": {"full": "5a" * 32}},
)


@pytest.fixture
def recorded(conn: psycopg.Connection) -> psycopg.Connection:
    """A visit that saw one marked picture twice, and one claim about it."""
    visit = begun_visit(conn, start_url=PAGE, started_at=day(1))
    robots = Evidence(
        "robots-txt", "site", "https://art.example/robots.txt", text="User-agent: *\n"
    )
    file = SiteFile(day(1), "art.example", robots.url, "robots-txt", 200, None, robots)
    headers = Evidence("headers", "image", URL, (("X-Robots-Tag", "noai"), ("ETag", '"1"')))
    for number in (1, 2):
        seen = Observation(day(number), URL, PAGE, URL, "own", 200, None, PICTURE, (headers,))
        records.write(conn, visit, [seen], [file] if number == 1 else [])
    claims.import_claims(conn, [Claim(source="a list", sha256="ab" * 32)])
    return conn


def near(snapshot: Snapshot) -> list[int | None]:
    """Return the phash64 of each picture."""
    return [row["phash64"] for row in snapshot.rows("pictures").all()]


def test_what_is_recorded_comes_out(recorded: psycopg.Connection, tmp_path: Path):
    snapshot = open_snapshot(publish_numbered(recorded, tmp_path, datetime.now(UTC)))
    assert near(snapshot) == [int(CODE, 16)]
    entries = list(snapshot.entries)
    assert [entry.name for entry in entries] == ["observation:1", "claim:1"]
    # The claim has only a digest; the picture with that digest is known.
    assert pictures_of(snapshot) == [0, 0]
    assert (entries[0].since, entries[0].seen) == (day(1), day(2))


def test_a_snapshot_is_up_to_date_until_something_is_recorded(
    recorded: psycopg.Connection, tmp_path: Path
):
    assert up_to_date(recorded, tmp_path) is None
    first = publish_numbered(recorded, tmp_path)
    assert up_to_date(recorded, tmp_path) == first == tmp_path / "000001"
    earlier_format(first)
    assert up_to_date(recorded, tmp_path) is None
    claims.import_claims(recorded, [Claim(source="a list", url=URL)])
    assert publish_numbered(recorded, tmp_path) == tmp_path / "000002"
    recorded.execute("DELETE FROM claim")
    assert up_to_date(recorded, tmp_path) is None


def test_a_damaged_newest_snapshot_is_built_anew(recorded: psycopg.Connection, tmp_path: Path):
    first = publish_numbered(recorded, tmp_path)
    index = first / "index"
    before, held = index.stat(), bytearray(index.read_bytes())
    held[-1] ^= 1
    index.write_bytes(held)
    os.utime(index, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert up_to_date(recorded, tmp_path, verified=True) is None
    second = publish_numbered(recorded, tmp_path)
    assert up_to_date(recorded, tmp_path, verified=True) == second
    (tmp_path / "CURRENT").write_bytes(b"\xff\n")
    assert up_to_date(recorded, tmp_path) is None
    assert publish_numbered(recorded, tmp_path) == tmp_path / "000003"
    assert up_to_date(recorded, tmp_path, verified=True) == tmp_path / "000003"


def test_a_snapshot_of_another_registry_or_program_is_not_up_to_date(
    recorded: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    publish_numbered(recorded, tmp_path)
    monkeypatch.setattr("registry.snapshot.publish.__version__", "9.9.9")
    assert up_to_date(recorded, tmp_path) is None
    monkeypatch.undo()
    monkeypatch.setattr("registry.snapshot.manifest.KEY_VERSION", 99)
    assert up_to_date(recorded, tmp_path) is None
    monkeypatch.undo()
    assert up_to_date(recorded, tmp_path) is not None
    recorded.execute("UPDATE registry_identity SET id = gen_random_uuid()")
    assert up_to_date(recorded, tmp_path) is None


def test_a_snapshot_has_fingerprints_of_the_version_that_it_names_only(
    recorded: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    newer = {name: known._replace(version="next") for name, known in algorithms().items()}
    monkeypatch.setattr("registry.fingerprints.algorithms", lambda: newer)

    def published() -> Snapshot:
        return open_snapshot(publish_numbered(recorded, tmp_path))

    before = published()
    assert set(before.manifest.algorithms.values()) == {"next"}
    assert near(before) == [None]
    other = {"phash64": {"full": "0f" * 8}, "phash256": {"full": "a5" * 32}}
    again = Observation(
        day(3), URL, PAGE, URL, "own", 200, None, replace(PICTURE, fingerprints=other)
    )
    records.write(recorded, 1, [again])
    assert near(published()) == [int("0f" * 8, 16)]
    monkeypatch.undo()
    assert near(published()) == [int(CODE, 16)]


def test_a_snapshot_shows_one_moment(recorded: psycopg.Connection, database_url: str):
    with exporting(recorded) as export:
        before = len(export.claims(0))
        with connect_to(database_url) as other:
            claims.import_claims(other, [Claim(source="later", url=URL)])
        assert len(export.claims(0)) == before
    assert position(recorded)["claims"] == before + 1


def test_builders_at_the_same_time_get_numbers_of_their_own(
    recorded: psycopg.Connection, database_url: str, tmp_path: Path
):
    def publish() -> None:
        with connect_to(database_url) as conn:
            publish_numbered(conn, tmp_path)

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.serials(tmp_path) == [1, 2, 3, 4]
    assert store.newest(tmp_path) == tmp_path / "000004"
    digests = {open_snapshot(store.folder_of(tmp_path, n)).manifest.digest for n in range(1, 5)}
    assert len(digests) == 1


def test_what_a_killed_build_left_is_removed_and_never_pointed_to(
    recorded: psycopg.Connection, tmp_path: Path
):
    publish_numbered(recorded, tmp_path)
    made = durable.Unfinished(tmp_path / "000002")
    leftover = made.make_folder()
    (leftover / "images.arrow").write_bytes(b"half")
    assert made._lock is not None
    os.close(made._lock)  # as the kernel does
    assert store.newest(tmp_path) == tmp_path / "000001"
    publish_numbered(recorded, tmp_path)
    assert not leftover.exists()
    assert not made.path.exists()
    assert store.serials(tmp_path) == [1, 2]


def test_a_folder_of_ones_own(recorded: psycopg.Connection, tmp_path: Path):
    folder = publish_folder(recorded, tmp_path / "mine")
    assert len(open_snapshot(folder).entries) == 2
    with pytest.raises(UsageError, match="not empty"):
        publish_folder(recorded, folder)


def test_an_empty_registry_gives_an_empty_snapshot(conn: psycopg.Connection, tmp_path: Path):
    snapshot = open_snapshot(publish_numbered(conn, tmp_path))
    assert snapshot.manifest.counts == dict.fromkeys(KINDS, 0)


def test_a_build_that_fails_moves_no_pointer(
    recorded: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = publish_numbered(recorded, tmp_path)
    pointed: list[bool] = []
    real = store.point_to

    def watched(root: Path, serial: int) -> None:
        # By now everything is in its place and readable.
        pointed.append(open_snapshot(store.folder_of(root, serial)).manifest.serial == serial)
        real(root, serial)

    monkeypatch.setattr(store, "point_to", watched)
    publish_numbered(recorded, tmp_path)
    assert pointed == [True]

    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("registry.snapshot.publish.build", broken)
    with pytest.raises(UnwritableOutput, match="No space left"):
        publish_numbered(recorded, tmp_path)
    assert pointed == [True]
    assert store.newest(tmp_path) == tmp_path / "000002"
    assert first.exists()
    assert not list(tmp_path.glob(".*unfinished"))
    assert not list(tmp_path.glob(".*building"))


def test_files_are_on_disk_before_they_have_their_name(
    recorded: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    order: list[str] = []
    sync, rename = os.fsync, Path.rename

    def synced(handle: int) -> None:
        order.append("sync " + Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        sync(handle)

    def renamed(self: Path, target: Path) -> Path:
        order.append("rename " + Path(target).name)
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    files = open_snapshot(publish_numbered(recorded, tmp_path)).manifest.files
    named = order.index("rename 000001")
    for name in (*(Path(name).name for name in files), "manifest.json"):
        assert any(step.startswith("sync") and name in step for step in order[:named]), name
    assert f"sync {tmp_path.name}" in order[named:]


def test_a_claim_is_dated_from_what_it_says_of_itself(conn: psycopg.Connection, tmp_path: Path):
    claims.import_claims(conn, [Claim(source="a list", url=URL, observed_at=day(3))])
    snapshot = open_snapshot(publish_numbered(conn, tmp_path))
    assert snapshot.entries[0].since == day(3)
