"""Parts of a dataset, checked anywhere, add up to the check of the whole."""

import pickle
import random
from collections import Counter

import pyarrow as pa
import pytest
from made import Made

from registry.checking import tally
from registry.checking.columns import Choice, Columns
from registry.checking.shards import ShardOptions, check_shard, merge
from registry.checking.tally import Tally
from registry.index import Index
from registry.pictures.hashing import PictureHasher

CODES = [0xC9B6A7D8469C1959 ^ (0x9E3779B97F4A7C15 * n % 2**64) for n in range(40)]
COLUMNS = Columns((Choice("u", "url", "named"), Choice("p", "phash64", "named")))


@pytest.fixture
def snapshot(tmp_path):
    made = Made()
    for number, code in enumerate(CODES):
        url = f"https://a{number % 7}.example/{number}.jpg"
        made.claim(
            url=url, phash64=code.to_bytes(8), meaning="reserved" if number % 3 else "allowed"
        )
    made.claim(site="b.example", path_pattern="/art/")
    return made.snapshot(tmp_path)


def rows(count: int) -> list[pa.RecordBatch]:
    rng = random.Random(4)
    urls = [
        rng.choice(
            (
                f"https://a{number % 7}.example/{number % 40}.jpg",
                f"https://b.example/art/{number}.jpg",
                f"https://c.example/{number}.jpg",
                "no URL",
            )
        )
        for number in range(count)
    ]
    codes = [f"{rng.choice(CODES) ^ (1 << rng.randrange(64)):016x}" for _ in range(count)]
    table = pa.table({"u": urls, "p": codes})
    return table.to_batches(max_chunksize=count // 9)


def part(snapshot, batches: list[pa.RecordBatch]) -> Tally:
    options = ShardOptions(COLUMNS, PictureHasher(1))
    tally = check_shard(batches, Index(snapshot, "cautious"), options)
    sent: Tally = pickle.loads(pickle.dumps(tally))
    return sent


@pytest.mark.parametrize("cuts", [(3, 6), (1, 2), (0, 9)])
def test_parts_add_up(snapshot, cuts):
    batches = rows(900)
    first, second = cuts
    parts = [batches[:first], batches[first:second], batches[second:]]
    whole = part(snapshot, batches)
    assert len(whole.outcomes) > 1
    assert len(whole.matched_by) > 1
    assert merge(part(snapshot, some) for some in parts) == whole


def test_the_sites_with_the_fewest_rows_are_forgotten(monkeypatch):
    monkeypatch.setattr(tally, "MOST_COUNTED", {"hosts": 4})
    parts = [Tally(hosts=Counter({f"h{n}": n, "often": 100})) for n in range(1, 5)]
    assert merge(parts).hosts == Counter({"often": 400, "h4": 4})
