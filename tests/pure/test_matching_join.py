"""The index finds what brute force finds, in the same order, at every radius."""

import itertools
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.matching import brute, index
from registry.matching._plan import MAX_CHUNK_BITS, best_plan
from registry.matching.index import PhashIndex


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    """Let every join use the index, however small."""
    monkeypatch.setattr(index, "BRUTE_PAIRS", 0)


def naive(entries, queries, radius, limit=None):
    """What is meant, in plain Python: the oracle of the oracle."""
    found = []
    for q, query in enumerate(queries):
        near = [((query ^ e).bit_count(), i) for i, e in enumerate(entries)]
        near = sorted(pair for pair in near if pair[0] <= radius)[:limit]
        found += sorted((q, i, d) for d, i in near)
    return found


def as_tuples(pairs):
    query, entry, distance = pairs
    assert (query.dtype, entry.dtype, distance.dtype) == (np.int64, np.int64, np.uint8)
    return list(zip(query.tolist(), entry.tolist(), distance.tolist(), strict=True))


def codes(values) -> brute.Codes:
    return np.array(values, np.uint64)


def random_codes(rng, count, centres=None):
    if centres is None:
        return rng.integers(0, 2**64, count, dtype=np.uint64)
    near = centres[rng.integers(0, len(centres), count)]
    for _ in range(6):
        near ^= np.uint64(1) << rng.integers(0, 64, count).astype(np.uint64)
    return near


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


# A small alphabet of bytes makes near codes and duplicates likely.
CODE = st.integers(0, 2**64 - 1) | st.lists(
    st.sampled_from([0, 1, 3, 255]), min_size=8, max_size=8
).map(lambda parts: int.from_bytes(bytes(parts), "big"))
CODES = st.lists(CODE, max_size=12)


@given(CODES, CODES, st.integers(0, 64), st.none() | st.integers(1, 4))
def test_both_equal_the_plain_meaning(entries, queries, radius, limit):
    expected = naive(entries, queries, radius, limit)
    reference = brute.join(codes(entries), codes(queries), radius)
    if limit is not None:
        reference = brute.nearest(reference, limit)
    assert as_tuples(reference) == expected
    assert as_tuples(PhashIndex(codes(entries)).join(codes(queries), radius, limit)) == expected


@pytest.mark.parametrize("radius", [*range(13), 17, 24, 33, 64])
@pytest.mark.parametrize("clustered", [False, True])
def test_index_equals_brute_force(radius, clustered):
    rng = np.random.default_rng(radius)
    centres = random_codes(rng, 5) if clustered else None
    entries = random_codes(rng, 2000, centres)
    queries = np.concatenate([random_codes(rng, 300, centres), entries[:40], entries[:20]])
    entries = np.concatenate([entries, entries[:100]])
    expected = brute.join(entries, queries, radius)
    assert len(expected[0]) >= 60
    built = PhashIndex(entries, threads=3)
    assert len(built) == 2100
    assert_equal(built.join(queries, radius), expected)
    assert_equal(built.join(queries, radius, 2), brute.nearest(expected, 2))


@pytest.mark.parametrize("radius", range(13))
def test_pairs_at_the_very_radius_are_found_wherever_they_differ(radius):
    rng = np.random.default_rng(100 + radius)
    entries = random_codes(rng, 3000)
    queries = entries.copy()
    for i in range(len(queries)):
        for bit in rng.choice(64, radius, replace=False):
            queries[i] ^= np.uint64(1) << np.uint64(bit)
    found = PhashIndex(entries).join(queries, radius)
    planted = found[0] == found[1]
    assert planted.sum() == 3000
    assert set(found[2][planted].tolist()) == {radius}


@pytest.mark.parametrize("sizes", [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_join(sizes):
    entries, queries = (codes(range(size)) for size in sizes)
    assert as_tuples(PhashIndex(entries).join(queries, 8)) == []
    assert as_tuples(brute.join(entries, queries, 8)) == []


def test_full_buffers_and_many_blocks_lose_nothing(monkeypatch):
    monkeypatch.setattr(index, "_BUFFER", 3)
    monkeypatch.setattr(index, "_BLOCK", 50)
    monkeypatch.setattr(index, "_PENDING", 10)
    rng = np.random.default_rng(7)
    centres = random_codes(rng, 2)
    entries, queries = random_codes(rng, 150, centres), random_codes(rng, 120, centres)
    expected = brute.join(entries, queries, 8)
    assert_equal(PhashIndex(entries).join(queries, 8), expected)
    assert_equal(PhashIndex(entries).join(queries, 8, 3), brute.nearest(expected, 3))


def test_a_flood_of_one_code_is_multiplied_out_at_the_end():
    """Compared one by one, these would be ten billion pairs."""
    entries, queries = np.full(100_000, 7, np.uint64), np.full(100_000, 6, np.uint64)
    query, entry, distance = PhashIndex(entries).join(queries, 8, limit_per_query=2)
    assert query.tolist() == np.repeat(np.arange(100_000), 2).tolist()
    assert set(entry.tolist()) == {0, 1}
    assert set(distance.tolist()) == {1}


def test_several_threads_may_join_at_once():
    rng = np.random.default_rng(9)
    entries, queries = random_codes(rng, 5000), random_codes(rng, 5000)
    queries[::2] = entries[::2]
    expected = brute.join(entries, queries, 6)
    built = PhashIndex(entries, threads=2)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(built.join(queries, 6))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for pairs in found:
        assert_equal(pairs, expected)


@pytest.mark.parametrize("radius", range(17))
@pytest.mark.parametrize("entries", [100, 10_000, 1_000_000, 10_000_000])
def test_plans_are_complete_by_the_pigeonhole(entries, radius):
    plan = best_plan(entries, radius)
    if plan is None:
        return
    assert sum(chunk.flips + 1 for chunk in plan) == radius + 1
    assert all(chunk.flips >= 0 and chunk.bits <= MAX_CHUNK_BITS for chunk in plan)
    spans = sorted((chunk.shift, chunk.shift + chunk.bits) for chunk in plan)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    assert spans[-1][1] <= 64


def test_a_wide_radius_falls_back_to_brute_force():
    assert best_plan(100_000, 8) is not None
    assert best_plan(100_000, 40) is None
    assert best_plan(0, 8) is None


def test_little_work_does_not_start_the_compiler():
    program = (
        "import sys, numpy as np\n"
        "from registry.matching.index import PhashIndex\n"
        "codes = np.arange(1000, dtype=np.uint64)\n"
        "assert PhashIndex(codes).join(codes[:9], 0)[1].tolist() == list(range(9))\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_the_index_works_where_no_machine_code_can_be_kept():
    """As it is when neither the package nor the user's cache can be written."""
    program = (
        "from registry import compiling\n"
        "compiling._folder = lambda: None\n"
        "import numpy as np\n"
        "from registry.matching import index\n"
        "index.BRUTE_PAIRS = 0\n"
        "codes = np.arange(2000, dtype=np.uint64)\n"
        "assert len(index.PhashIndex(codes).join(codes, 0)[0]) == 2000\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
