"""The join with tables finds what brute force finds at every radius."""

import itertools
import math
import subprocess
import sys
import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.matching import brute, code_join
from registry.matching.code_join import CodeJoin
from registry.matching.code_tables import PARTS, build, near, plan


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    """Let every join use the compiled kernel, however small."""
    monkeypatch.setattr(code_join, "SINGLY", 0)


def naive(entries, queries, radius):
    """What is meant, in plain Python: the oracle of the oracle."""
    return [
        (q, i, (query ^ entry).bit_count())
        for q, query in enumerate(queries)
        for i, entry in enumerate(entries)
        if (query ^ entry).bit_count() <= radius
    ]


def as_tuples(pairs):
    query, entry, distance = pairs
    assert (query.dtype, entry.dtype, distance.dtype) == (np.int64, np.int64, np.uint8)
    return list(zip(query.tolist(), entry.tolist(), distance.tolist(), strict=True))


def codes(values) -> brute.Codes:
    return np.array(values, np.uint64)


def join(tables, queries, radius, threads=None):
    """Return all pairs, of equal queries too, sorted by query, then by entry."""
    distinct, inverse = np.unique(queries, return_inverse=True)
    found = list(CodeJoin(tables, distinct, radius, threads=threads).pairs())
    code, entry, distance = brute.in_order(brute.concatenate(found))
    places = [np.flatnonzero(code == number) for number in inverse]
    query = np.repeat(np.arange(len(queries)), [len(rows) for rows in places])
    rows = np.concatenate([np.zeros(0, np.int64), *places])
    return query, entry[rows], distance[rows]


def random_codes(rng, count, centres=None):
    if centres is None:
        return rng.integers(0, 2**64, count, dtype=np.uint64)
    close = centres[rng.integers(0, len(centres), count)]
    for _ in range(6):
        close ^= np.uint64(1) << rng.integers(0, 64, count).astype(np.uint64)
    return close


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


# A small alphabet of bytes makes near codes and duplicates likely.
CODE = st.integers(0, 2**64 - 1) | st.lists(
    st.sampled_from([0, 1, 3, 255]), min_size=8, max_size=8
).map(lambda parts: int.from_bytes(bytes(parts), "big"))
CODES = st.lists(CODE, max_size=12)


@given(CODES, CODES, st.integers(0, 64))
def test_all_equal_the_plain_meaning(entries, queries, radius):
    expected = naive(entries, queries, radius)
    assert as_tuples(brute.join(codes(entries), codes(queries), radius)) == expected
    tables = build(codes(entries))
    assert as_tuples(join(tables, codes(queries), radius)) == expected
    if entries:
        for number, query in enumerate(queries):
            rows, bits = near(tables, query, radius)
            found = sorted(zip(rows.tolist(), bits.tolist(), strict=True))
            assert found == [(row, d) for q, row, d in expected if q == number]


@pytest.mark.parametrize("radius", [*range(13), 17, 24, 33, 64])
@pytest.mark.parametrize("clustered", [False, True])
def test_tables_equal_brute_force(radius, clustered):
    rng = np.random.default_rng(radius)
    centres = random_codes(rng, 5) if clustered else None
    entries = random_codes(rng, 2000, centres)
    queries = np.concatenate([random_codes(rng, 300, centres), entries[:40], entries[:20]])
    entries = np.concatenate([entries, entries[:100]])
    expected = brute.join(entries, queries, radius)
    assert len(expected[0]) >= 60
    tables = build(entries)
    assert_equal(join(tables, queries, radius, threads=3), expected)
    for number in (0, 310):
        rows, bits = near(tables, int(queries[number]), radius)
        order = np.argsort(rows)
        np.testing.assert_array_equal(rows[order], expected[1][expected[0] == number])
        np.testing.assert_array_equal(bits[order], expected[2][expected[0] == number])


@pytest.mark.parametrize("radius", range(13))
def test_pairs_at_the_very_radius_are_found_wherever_they_differ(radius):
    rng = np.random.default_rng(100 + radius)
    entries = random_codes(rng, 3000)
    queries = entries.copy()
    for i in range(len(queries)):
        for bit in rng.choice(64, radius, replace=False):
            queries[i] ^= np.uint64(1) << np.uint64(bit)
    found = join(build(entries), queries, radius)
    planted = found[0] == found[1]
    assert planted.sum() == 3000
    assert set(found[2][planted].tolist()) == {radius}


@pytest.mark.parametrize("sizes", [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_join(sizes):
    entries, queries = (codes(range(size)) for size in sizes)
    assert as_tuples(join(build(entries), queries, 8)) == []
    assert as_tuples(brute.join(entries, queries, 8)) == []


def test_full_buffers_lose_nothing(monkeypatch):
    monkeypatch.setattr(code_join, "_BUFFER", 3)
    rng = np.random.default_rng(7)
    centres = random_codes(rng, 2)
    entries, queries = random_codes(rng, 150, centres), random_codes(rng, 120, centres)
    assert_equal(join(build(entries), queries, 4), brute.join(entries, queries, 4))


@pytest.mark.parametrize("radius", [8, 40])
def test_a_crowd_is_cut_and_named_however_it_is_looked_up(radius, monkeypatch):
    """One in the middle of a crowd; the others have at most as many as are kept."""
    rng = np.random.default_rng(8)
    crowd = np.full(500, 7, np.uint64)
    for _ in range(3):
        crowd ^= np.uint64(1) << rng.integers(0, 64, 500).astype(np.uint64)
    entries = np.unique(np.concatenate([crowd, random_codes(rng, 3000)]))
    tables = build(entries)
    queries = np.unique(np.concatenate([codes([7]), random_codes(rng, 50), entries[:3]]))
    found = {}
    for singly in (0, 1000):
        monkeypatch.setattr(code_join, "SINGLY", singly)
        made = CodeJoin(tables, queries, radius, most=100)
        found[singly] = sorted(as_tuples(brute.concatenate(list(made.pairs()))))
        counts = np.bincount(brute.join(entries, queries, radius)[0], minlength=len(queries))
        np.testing.assert_array_equal(made.crowded, counts > 100)
        assert made.crowded.any()
        kept = np.bincount([pair[0] for pair in found[singly]], minlength=len(queries))
        np.testing.assert_array_equal(kept, np.minimum(counts, 100))
    assert found[0] == found[1000]


def test_several_threads_may_join_at_once():
    rng = np.random.default_rng(9)
    entries, queries = random_codes(rng, 5000), random_codes(rng, 5000)
    queries[::2] = entries[::2]
    expected = brute.join(entries, queries, 6)
    tables = build(entries)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(join(tables, queries, 6, threads=2)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for pairs in found:
        assert_equal(pairs, expected)


def test_chunks_do_not_overlap():
    assert all(end + size <= start for (start, _), (end, size) in pairwise(PARTS))
    assert sum(size for _, size in PARTS) == 64


@pytest.mark.parametrize("radius", range(17))
@pytest.mark.parametrize("entries", [1, 5, 100, 10_000])
def test_plans_are_complete_by_the_pigeonhole(entries, radius):
    rng = np.random.default_rng(entries)
    passes = plan(build(random_codes(rng, entries)), radius)
    if passes is None:
        return
    assert sum(one.flips + 1 for one in passes) == radius + 1
    for one in passes:
        sizes = range(min(one.flips, one.table.bits) + 1)
        assert len(one.masks) == sum(math.comb(one.table.bits, size) for size in sizes)
        assert len(set(one.masks.tolist())) == len(one.masks)
    spans = sorted((p.table.shift, p.table.shift + p.table.bits) for p in passes)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))


def test_a_wide_radius_falls_back_to_brute_force():
    tables = build(random_codes(np.random.default_rng(1), 100_000))
    assert plan(tables, 8) is not None
    assert plan(tables, 40) is None
    assert plan(build(codes([])), 8) is None


def test_little_work_does_not_start_the_compiler():
    program = (
        "import sys, numpy as np\n"
        "from registry.matching import code_join, code_tables\n"
        "codes = np.arange(1000, dtype=np.uint64)\n"
        "found = code_join.CodeJoin(code_tables.build(codes), codes[:9], 0).pairs()\n"
        "assert [pairs[1].tolist() for pairs in found] == [[row] for row in range(9)]\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_the_join_works_where_no_machine_code_can_be_kept():
    """As it is when neither the package nor the user's cache can be written."""
    program = (
        "from registry import compiling\n"
        "compiling._folder = lambda: None\n"
        "import numpy as np\n"
        "from registry.matching import code_join, code_tables\n"
        "codes = np.arange(2000, dtype=np.uint64)\n"
        "found = code_join.CodeJoin(code_tables.build(codes), codes, 0).pairs()\n"
        "assert sum(len(pairs[0]) for pairs in found) == 2000\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
