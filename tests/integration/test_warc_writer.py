"""WARC files on disk: names, rotation, disks that are full, files that end in mid-record."""

from __future__ import annotations

import errno
import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from warc_files import holds, records_at, records_in

from crawler.warc.captures import Capture
from crawler.warc.writer import WarcWriter, writable_folder
from registry.errors import UnwritableOutput
from registry.model import Evidence
from registry.sources.warc import responses

NAME = re.compile(r"optout-\d{8}T\d{6}Z-[0-9a-f]{8}-\d{5}\.warc\.gz")


def capture(number: int) -> Capture:
    url = f"https://art.example/{number}.html"
    page = Evidence("html", "page", url, text=f'<meta name="robots" content="noai, {number}">')
    lines = (("Content-Type", "text/html"),)
    return Capture(url, datetime.now(UTC), 200, lines, (), (page,), (page,))


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_no_file_without_a_capture(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    assert writer.write([]) == []
    writer.close()
    assert files(tmp_path) == []


def test_each_place_is_that_of_its_records(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    captures = [capture(number) for number in range(5)]
    places = [*writer.write(captures[:2]), *writer.write(captures[2:])]
    (path,) = files(tmp_path)
    assert NAME.fullmatch(path.name)
    for made, (file, place, size) in zip(captures, places, strict=True):
        records = records_at(tmp_path / file, place, size)
        assert [record.kind for record in records] == ["response", "request"]
        assert holds(records, made.evidence[0])
    first = records_in(path.read_bytes())[0]
    assert (first.kind, first.fields["WARC-Filename"]) == ("warcinfo", path.name)
    writer.close()
    with path.open("rb") as file_read:
        assert [r.url for r in responses(file_read, path.name)] == [c.url for c in captures]


def test_a_file_is_followed_by_the_next(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path, most_bytes=2000)
    places = writer.write([capture(number) for number in range(12)])
    names = [path.name for path in files(tmp_path)]
    assert len(names) > 2
    assert list(dict.fromkeys(place.file for place in places)) == names
    assert [name[-13:] for name in names[:2]] == ["00001.warc.gz", "00002.warc.gz"]
    for path in files(tmp_path):
        assert path.stat().st_size < 4000
        kinds = [record.kind for record in records_in(path.read_bytes())]
        assert kinds[:2] == ["warcinfo", "response"]
        assert kinds.count("warcinfo") == 1
    assert sum(place.size for place in places) < sum(p.stat().st_size for p in files(tmp_path))


def test_two_processes_have_files_of_their_own(tmp_path: Path) -> None:
    for _ in range(2):
        WarcWriter(tmp_path).write([capture(1)])
    assert len(files(tmp_path)) == 2


def test_threads_share_a_file(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    captures = [[capture(10 * n + m) for m in range(3)] for n in range(20)]
    with ThreadPoolExecutor(8) as threads:
        written = list(threads.map(writer.write, captures))
    for batch, places in zip(captures, written, strict=True):
        for made, (file, place, size) in zip(batch, places, strict=True):
            assert holds(records_at(tmp_path / file, place, size), made.evidence[0])
    (path,) = files(tmp_path)
    assert len(records_in(path.read_bytes())) == 1 + 2 * 60


def test_what_was_written_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: dict[int, int] = {}
    flush = os.fsync

    def fsync(number: int) -> None:
        flush(number)
        synced[os.fstat(number).st_ino] = os.fstat(number).st_size

    monkeypatch.setattr("crawler.warc.writer.os.fsync", fsync)
    writer = WarcWriter(tmp_path, most_bytes=2000)
    for number in range(4):
        writer.write([capture(number), capture(number + 10)])
        assert all(synced[path.stat().st_ino] == path.stat().st_size for path in files(tmp_path))
    assert len(files(tmp_path)) > 1
    assert tmp_path.stat().st_ino in synced


class Disk:
    """A disk that takes some bytes more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 1 << 40
        self._write = os.write
        monkeypatch.setattr("crawler.warc.writer.os.write", self.write)

    def write(self, number: int, data: bytes) -> int:
        if not self.left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = self._write(number, data[: self.left])
        self.left -= done
        return done


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.mark.parametrize("left", [0, 1, 700])
def test_a_full_disk_leaves_whole_files(left: int, disk: Disk, tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    (before,) = writer.write([capture(1)])
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    disk.left = left
    with pytest.raises(UnwritableOutput, match="No space left on device") as caught:
        writer.write([capture(2), capture(3)])
    assert str(path) in caught.value.message
    assert "--warc" in caught.value.hint
    assert path.read_bytes() == whole
    disk.left = left
    with pytest.raises(UnwritableOutput):
        writer.write([capture(2)])
    assert files(tmp_path) == [path]
    disk.left = 1 << 40
    (after,) = writer.write([capture(2)])
    assert after.file != before.file == path.name
    assert len(files(tmp_path)) == 2
    assert holds(records_at(tmp_path / after.file, *after[1:]), capture(2).evidence[0])


def test_what_a_killed_process_left_in_mid_record_is_behind_the_places(tmp_path: Path) -> None:
    writer = WarcWriter(tmp_path)
    places = writer.write([capture(1), capture(2)])
    (path,) = files(tmp_path)
    with path.open("ab") as torn:
        torn.write(path.read_bytes()[:300])
    for number, (_, place, size) in enumerate(places, 1):
        assert holds(records_at(path, place, size), capture(number).evidence[0])


def test_a_folder_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert writable_folder(Path("a/b")) == tmp_path / "a/b"
    assert files(tmp_path / "a/b") == []
    assert writable_folder(Path("a/b")) == tmp_path / "a/b"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file/below", Path("/proc/warc")):
        with pytest.raises(UnwritableOutput, match=f"{folder} cannot be written: ") as caught:
            writable_folder(folder)
        assert "--warc" in caught.value.hint
