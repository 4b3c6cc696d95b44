"""The rows of texts are estimated from the share of their bytes that is read."""

import gzip
import io
import json
from pathlib import Path

import pytest
import tar_files

from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.cli import _progress
from registry.datasets import open_dataset
from registry.datasets.formats import csv as csv_format
from registry.datasets.formats import jsonl as jsonl_format
from registry.datasets.shares import Shares
from registry.datasets.streams import Source
from registry.datasets.text import line_blocks

ROWS = 2000
URLS = [f"https://free.example/{n:05}.jpg" for n in range(ROWS)]


def csv(folder: Path) -> list[Path]:
    (folder / "a.csv").write_text("url\n" + "\n".join(URLS))
    return [folder / "a.csv"]


def several(folder: Path) -> list[Path]:
    paths = [folder / f"{number}.jsonl" for number in range(4)]
    for number, path in enumerate(paths):
        lines = (json.dumps({"url": url}) for url in URLS[number::4])
        path.write_text("\n".join(lines))
    return paths


def packed(folder: Path) -> list[Path]:
    (path,) = several(folder)[:1]
    data = "\n".join(json.dumps({"url": url}) for url in URLS).encode()
    target = folder / "d.jsonl.gz"
    target.write_bytes(gzip.compress(data))
    path.unlink()
    return [target]


def tar(folder: Path) -> list[Path]:
    members = ((f"{n}.json", json.dumps({"url": url}).encode()) for n, url in enumerate(URLS))
    return [tar_files.shard(folder / "a.tar", *members)]


@pytest.mark.parametrize("write", [csv, several, packed, tar], ids=lambda write: write.__name__)
def test_the_estimate_is_near_and_ends_with_the_truth(tmp_path, art_snapshot, monkeypatch, write):
    monkeypatch.setattr(csv_format, "BLOCK", 1000)
    blocks = line_blocks.line_blocks
    monkeypatch.setattr(jsonl_format, "line_blocks", lambda file, size=0: blocks(file, 1000))
    dataset = open_dataset([str(path) for path in write(tmp_path)])
    assert dataset.rows is None
    seen: list[tuple[int, int | None]] = []
    options = CheckOptions()
    check(dataset, art_snapshot, plan(dataset), options, lambda *pair: seen.append(pair))
    assert seen[-1] == (ROWS, ROWS)
    assert all(total is None or total >= done for done, total in seen)
    late = [total for done, total in seen if done > ROWS / 2]
    # Reading is ahead of what is checked, in small files by much.
    assert all(total is not None and total <= 1.2 * ROWS for total in late)


class Part:
    def __init__(self, path: Path, position: int | None) -> None:
        self.path, self.source = path, Source(path)
        self.source._file = None if position is None else io.BytesIO(bytes(200))
        if self.source._file:
            self.source._file.seek(position)


def test_a_share_is_of_the_bytes_of_all_files(tmp_path):
    for name in "ab":
        (tmp_path / name).write_bytes(bytes(100))
    parts = [Part(tmp_path / "a", None), Part(tmp_path / "b", 50)]
    assert Shares(parts).rows(10, 0) == 20
    assert Shares(parts).rows(30, 1) == 40
    assert Shares(parts).rows(0, 1) is None
    assert Shares([Part(tmp_path / "b", 300)]).rows(7, 0) == 7
    assert Shares([*parts, Part(tmp_path / "missing", None)]).rows(9, 0) is None
    assert Shares([*parts, object()]).rows(9, 0) is None
    assert Shares([Part(Path("-"), None)]).rows(9, 0) is None


def test_the_time_left_is_shown(monkeypatch, capsys):
    now = iter([0.0, 20.0])
    monkeypatch.setattr(_progress.time, "monotonic", lambda: next(now))
    with _progress.Progress("rows") as progress:
        progress(500, 2000)
    assert "500 rows, 25/s, 25 %, 60 s left" in capsys.readouterr().err
