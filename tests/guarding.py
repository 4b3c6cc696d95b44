"""What tests of `registry.guard` share: a snapshot, and rows of known truth."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn import draw, saved
from made import Made

import registry
from registry.checking import run
from registry.checking.tally import Tally
from registry.guarding import row_check
from registry.pictures.reading import Hashed, hash_picture
from registry.snapshot.opened import Snapshot

MARKED = "https://art.example/1.jpg"
DIGEST, DEAL = "ab" * 32, "cd" * 32
# Keys of rows, with the decision that each of them leads to; "" is for a key that is not read.
URLS = {
    MARKED: "reserved",
    "https://deal.example/3.jpg": "conditional",
    "https://shut.example/x/4.jpg": "reserved",
    "https://free.example/5.jpg": "clear",
    "not a URL": "",
    None: None,
}
DIGESTS = {DIGEST: "reserved", DEAL: "conditional", "00" * 32: "clear", "0g": "", None: None}
STRICTEST = ("reserved", "conditional", "clear")
COLUMNS = {"url": ["url"], "sha256": ["sha256"]}


def guard_snapshot(folder: Path) -> Snapshot:
    """Return a snapshot with marks of URLs, digests and sites, and one picture: `draw(1)`."""
    made = Made()
    image = made.picture(registry.fingerprint(saved(draw(1), "JPEG", quality=95)))
    made.observe(
        "https://art.example/drawn.jpg",
        [made.headers("noai", url="https://art.example/drawn.jpg")],
        image_id=image,
    )
    made.claim(url=MARKED, meaning="reserved")
    made.claim(url="https://deal.example/3.jpg", meaning="conditional")
    made.claim(sha256=bytes.fromhex(DIGEST), meaning="reserved")
    made.claim(sha256=bytes.fromhex(DEAL), meaning="conditional")
    made.robots("shut.example", "User-agent: GPTBot\nDisallow: /x/\n")
    return made.snapshot(folder)


def outcome_of(row: dict[str, Any]) -> str:
    """Return the outcome of a row with `url` and `sha256`, without any code of the product."""
    found = [URLS[row.get("url")], DIGESTS[row.get("sha256")]]
    strict = [one for one in STRICTEST[:2] if one in found]
    if strict:
        return strict[0]
    return "clear" if "clear" in found and "" not in found else "unchecked"


def rows_of(count: int, seed: int) -> list[dict[str, Any]]:
    """Return random rows; the first ones show what the columns hold."""
    rng = random.Random(seed)
    rows = [{"url": MARKED, "sha256": DIGEST}, {"url": "https://free.example/5.jpg"}]
    rows += [
        {"url": rng.choice([*URLS]), "sha256": rng.choice([*DIGESTS])} for _ in range(count - 2)
    ]
    return [{"n": n, "url": None, "sha256": None, **row} for n, row in enumerate(rows)]


def jpeg(seed: int) -> bytes:
    """Return a picture as a file; that of seed 1 is recorded, in other quality."""
    return saved(draw(seed), "JPEG", quality=80)


def checked(rows: list[dict[str, Any]], folder: Path, snapshot: Snapshot, **options: Any) -> Tally:
    """Return the counts of a check of the same rows in Parquet."""
    path = folder / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return registry.check(path, snapshot, **options).tally


class QuickHasher:
    """Hashes pictures in this process: starting another one takes longer than these tests."""

    def __init__(self, workers: int) -> None:
        del workers

    def __call__(self, pictures: list[bytes | None]) -> list[Hashed]:
        return [Hashed() if data is None else hash_picture(data) for data in pictures]

    def close(self) -> None:
        pass


@pytest.fixture
def quick_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (run, row_check):
        monkeypatch.setattr(module, "PictureHasher", QuickHasher)
