"""Snapshots cut short, exchanged, moved away while they are read, pruned while they are read."""

from __future__ import annotations

import errno
import gc
import shutil
from pathlib import Path

import pytest
from made import Made

from registry.db.rows import SEGMENT_BITS
from registry.errors import UnreadableSnapshot, UnwritableOutput
from registry.index import Index
from registry.lookups import lookup
from registry.snapshot import store
from registry.snapshot.format import DIGESTS_FILE, INDEX_FILE, MANIFEST
from registry.snapshot.opened import Snapshot, open_snapshot
from registry.snapshot.pruning import listed, prune
from registry.snapshot.verified import verify
from registry.snapshot.writer import FolderWriter

URL = "https://a.example/1.jpg"


def registry(mark: str = "noai") -> Made:
    """Return one with two segments of observations and of claims."""
    made = Made()
    for url in (URL, "https://a.example/2.jpg"):
        made.observe(url, [made.headers(mark, url=url)], image_id=made.image())
        made.claim(url="https://b.example/1.jpg", evidence=mark)
        for kind in ("observation", "claim"):
            made.skip(kind, 1 << SEGMENT_BITS)
    made.robots("a.example", "User-agent: *\nDisallow: /closed/\n")
    return made


def files_of(snapshot: Snapshot) -> list[str]:
    return [MANIFEST, *snapshot.manifest.files]


def refused(path: Path, name: str) -> None:
    """Expect that whoever opens, verifies or asks a snapshot is told the faulty file."""
    with pytest.raises(UnreadableSnapshot) as caught:
        verify(open_snapshot(path))
    assert str(path / name) in caught.value.message or name == MANIFEST
    with pytest.raises(UnreadableSnapshot):
        lookup(Index(open_snapshot(path), "cautious"), URL)


@pytest.mark.parametrize("left", [0, 0.5, 0.99, None])
def test_a_file_that_is_cut_short_or_missing_is_named(tmp_path: Path, left: float | None):
    snapshot = registry().snapshot(tmp_path)
    for name in files_of(snapshot):
        path = snapshot.path / name
        whole = path.read_bytes()
        path.unlink()
        if left is not None:
            path.write_bytes(whole[: int(len(whole) * left)])
        refused(snapshot.path, name)
        path.unlink(missing_ok=True)
        path.write_bytes(whole)
    verify(open_snapshot(snapshot.path))


def test_a_file_of_another_snapshot_is_named(tmp_path: Path):
    snapshot, other = (registry(mark).snapshot(tmp_path / mark) for mark in ("noai", "noimageai"))
    segments = {name.rsplit("-", 1)[0]: name for name in other.manifest.files}
    for name in snapshot.manifest.files:
        path = snapshot.path / name
        whole, theirs = path.read_bytes(), other.path / segments[name.rsplit("-", 1)[0]]
        if theirs.read_bytes() == whole:
            continue
        path.unlink()
        shutil.copyfile(theirs, path)
        refused(snapshot.path, name)
        path.write_bytes(whole)


def test_segments_that_are_exchanged_are_named(tmp_path: Path):
    snapshot = registry().snapshot(tmp_path)
    one, two = (n for n in sorted(snapshot.manifest.files) if "observations-0" in n)
    for name, other in ((one, "away"), (two, one), ("away", two)):
        (snapshot.path / name).rename(snapshot.path / other)
    with pytest.raises(UnreadableSnapshot, match="observations-0"):
        verify(open_snapshot(snapshot.path))


def test_who_reads_a_snapshot_keeps_it_when_another_takes_its_place(tmp_path: Path):
    ours, other = registry("noai").snapshot(tmp_path), registry("").snapshot(tmp_path / "other")
    verify(ours)
    reader = open_snapshot(ours.path)
    ours.path.rename(tmp_path / "away")
    other.path.rename(ours.path)
    # Nothing but the manifest was read before.
    assert lookup(Index(reader, "cautious"), URL).decision == "reserved"
    assert lookup(Index(open_snapshot(ours.path), "cautious"), URL).decision != "reserved"


def test_who_reads_a_snapshot_keeps_what_is_mapped_when_it_is_deleted(tmp_path: Path):
    reader = registry().snapshot(tmp_path)
    index = Index(reader, "cautious")
    before = lookup(index, URL)
    shutil.rmtree(reader.path)
    assert lookup(index, URL) == before


def numbered(root: Path, count: int) -> None:
    """Build some snapshots, each of which shares a segment with the one before."""
    made, before = registry(), None
    for serial in range(1, count + 1):
        made.claim(url=f"https://c.example/{serial}.jpg")
        before = made.snapshot(root, serial, before)
        before.path.rename(store.folder_of(root, serial))
        before = open_snapshot(store.folder_of(root, serial))
        store.point_to(root, serial)
    del before
    # A snapshot and its tables refer to each other: they are let go of together.
    gc.collect()


def test_pruning_keeps_what_newer_snapshots_share(tmp_path: Path):
    numbered(tmp_path, 5)
    sizes = [(one.serial, one.own < one.size, one.is_newest) for one in listed(tmp_path)]
    assert sizes == [(n, True, n == 5) for n in range(1, 6)]
    assert prune(tmp_path, 2) == ([1, 2, 3], [])
    assert store.serials(tmp_path) == [4, 5]
    for serial in (4, 5):
        verify(open_snapshot(store.folder_of(tmp_path, serial)))
    assert prune(tmp_path, 2) == ([], [])


def test_what_a_process_reads_is_not_pruned(tmp_path: Path):
    numbered(tmp_path, 4)
    reader = open_snapshot(store.folder_of(tmp_path, 2))
    assert prune(tmp_path, 1) == ([1, 3], [2])
    assert lookup(Index(reader, "cautious"), URL).decision == "reserved"
    del reader
    gc.collect()
    assert prune(tmp_path, 1) == ([2], [])


def test_the_newest_is_never_pruned(tmp_path: Path):
    numbered(tmp_path, 3)
    store.point_to(tmp_path, 1)
    assert prune(tmp_path, 1) == ([2], [])
    assert store.newest(tmp_path) == store.folder_of(tmp_path, 1)


def test_what_cannot_be_read_is_listed_with_its_fault_and_pruned(tmp_path: Path):
    numbered(tmp_path, 3)
    (store.folder_of(tmp_path, 1) / MANIFEST).write_text("{")
    (store.folder_of(tmp_path, 2) / MANIFEST).unlink()
    faults = [bool(one.fault) for one in listed(tmp_path)]
    assert faults == [True, True, False]
    gc.collect()
    assert prune(tmp_path, 1) == ([1, 2], [])


@pytest.mark.parametrize("kind", ["claims", "observations", INDEX_FILE, DIGESTS_FILE, MANIFEST])
def test_a_disk_that_becomes_full_leaves_nothing(tmp_path: Path, kind: str, monkeypatch):
    made = registry()
    one = made.snapshot(tmp_path, 1)
    made.claim(url=URL)
    made.observe(URL, [made.headers("noimageai")], on=5)
    full = OSError(errno.ENOSPC, "No space left on device")
    write = FolderWriter._write

    def until_full(self: FolderWriter, name: str, *rest: object) -> None:
        write(self, name, *rest)
        if kind in name:
            raise full

    def no_room(*_: object, **__: object) -> None:
        raise full

    monkeypatch.setattr(FolderWriter, "_write", until_full)
    if kind == INDEX_FILE:
        monkeypatch.setattr(FolderWriter, "write_index", no_room)
    if kind == MANIFEST:
        monkeypatch.setattr("registry.snapshot.build.durable.write_text", no_room)
    with pytest.raises(UnwritableOutput, match="No space left"):
        made.snapshot(tmp_path, 2, one)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["snapshot-1"]
    verify(open_snapshot(one.path))
