"""One bit of a snapshot turned over: found in whatever file it lies, by whoever reads it.

A snapshot that somebody sealed again is whole by its digests. Then a build's promises
do not hold, but it is answered from or refused, and never ends in a fault of ours.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import Made, seal

from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.db.rows import ViewRow
from registry.errors import UnreadableSnapshot
from registry.index import Index
from registry.lookups import Answer, lookup
from registry.snapshot import verified
from registry.snapshot.format import DIGESTS_FILE, INDEX_FILE, MANIFEST
from registry.snapshot.opened import Snapshot, open_snapshot
from registry.snapshot.verified import verify

FLIPS = 200
ASKED = (
    "https://a.example/1.jpg",
    "https://a.example/2.jpg",
    "https://a.example/page",
    "https://a.example/closed/3.jpg",
    "https://b.example/2.jpg",
    "https://c.example/x.jpg",
    "c9b6a7d8469c1959",
)


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """Return a snapshot with rows in every table, and in every column but of `past`."""
    made = Made()
    image = made.image(0xC9B6A7D8469C1959, phash256=bytes(range(32)))
    made.view_rows.append(ViewRow(image, "black", bytes(8), bytes(32)))
    made.observe(ASKED[0], [made.headers("noai")], image_id=image)
    made.observe(ASKED[1], [made.headers("noai", url=ASKED[1])], on=1)
    made.observe(ASKED[1], [made.headers("noindex", url=ASKED[1])], on=2)
    made.robots("a.example", "User-agent: GPTBot\nDisallow: /closed/\n")
    made.claim(url=ASKED[4])
    made.claim(site="c.example", meaning="conditional", licence_url="https://l.example")
    return made.snapshot(tmp_path)


def flips(folder: Path, names: tuple[str, ...], seed: int) -> Iterator[tuple[str, int]]:
    """Turn one bit after the other over, each file as likely as another; yield file and bit."""
    rng = random.Random(seed)
    for _ in range(FLIPS):
        path = folder / rng.choice(names)
        whole = path.read_bytes()
        bit = rng.randrange(8 * len(whole))
        turned = bytearray(whole)
        turned[bit // 8] ^= 1 << bit % 8
        # A new file: the old one may be mapped.
        path.unlink()
        path.write_bytes(turned)
        yield str(path.relative_to(folder)), bit
        path.unlink()
        path.write_bytes(whole)


def answers(folder: Path) -> list[Answer]:
    index = Index(open_snapshot(folder), "cautious")
    return [lookup(index, target) for target in ASKED]


def named(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the files that are not empty."""
    return tuple(name for name, entry in snapshot.manifest.files.items() if entry.size)


def test_every_flip_is_found_and_named(snapshot: Snapshot):
    """No flip changes nothing: every byte of every file is under a digest."""
    before = answers(snapshot.path)
    seen = set()
    for name, bit in flips(snapshot.path, (*named(snapshot), MANIFEST), seed=1):
        seen.add(name.rpartition("/")[0] or name)
        for any_keys in (True, False):  # as `snapshot verify`, and as a check opens it
            with pytest.raises(UnreadableSnapshot) as caught:
                verify(open_snapshot(snapshot.path, any_keys=any_keys))
            assert name in caught.value.message, (name, bit, caught.value.message)
            assert caught.value.hint, (name, bit)
    assert seen == {"segments", INDEX_FILE, DIGESTS_FILE, MANIFEST}
    assert answers(snapshot.path) == before


def test_no_flip_gives_a_look_up_another_answer(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
):
    """The disk may lose a bit after the snapshot was verified: what is read is verified again."""
    monkeypatch.setattr(verified, "is_remembered", lambda _: True)
    before = answers(snapshot.path)
    refused = 0
    for name, bit in flips(snapshot.path, named(snapshot), seed=2):
        found = None
        with contextlib.suppress(UnreadableSnapshot):
            found = answers(snapshot.path)
        assert found in (None, before), (name, bit)
        refused += found is None
    assert refused > FLIPS // 4


def test_no_flip_gives_a_check_another_answer(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verified, "is_remembered", lambda _: True)
    rows = snapshot.path.parent / "rows.parquet"
    hashes = [ASKED[-1], "f" * 15 + "0", *[None] * 4]
    pq.write_table(pa.table({"url": ASKED[:-1], "phash": hashes}), rows)

    def outcomes() -> list[dict[str, object]]:
        dataset, out = open_dataset([str(rows)]), rows.with_name("out.parquet")
        columns = plan(dataset, {"url": ["url"], "phash64": ["phash"]})
        check(dataset, open_snapshot(snapshot.path), columns, CheckOptions(out=out))
        answered: list[dict[str, object]] = pq.read_table(out).to_pylist()
        return answered

    before = outcomes()
    assert len({row["optout_outcome"] for row in before}) > 2
    refused = 0
    for name, bit in flips(snapshot.path, named(snapshot), seed=4):
        found = None
        with contextlib.suppress(UnreadableSnapshot):
            found = outcomes()
        assert found in (None, before), (name, bit)
        refused += found is None
    assert refused > FLIPS // 4


@pytest.mark.parametrize("seed", [1, 3])
def test_a_flip_under_a_new_seal_is_no_fault_of_ours(snapshot: Snapshot, seed: int):
    refused = 0
    whole = {name: (snapshot.path / name).read_bytes() for name in (DIGESTS_FILE, MANIFEST)}
    files = tuple(name for name in named(snapshot) if name != DIGESTS_FILE)
    for name, _ in flips(snapshot.path, files, seed):
        seal(snapshot.path, name)
        try:
            answers(snapshot.path)
        except UnreadableSnapshot:
            refused += 1
        for sealed, content in whole.items():
            (snapshot.path / sealed).write_bytes(content)
    assert 0 < refused < FLIPS
