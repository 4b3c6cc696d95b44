"""The nearest rows of many codes equal brute force, also where there are too many."""

from __future__ import annotations

import numpy as np
import pytest

from registry.matching import brute, code_join, nearest
from registry.matching.code_tables import build


def entries_and_queries(seed: int):
    """Return codes at random and in crowds of some hundred around a few centres."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 2**63, 4, np.uint64)
    crowd = np.repeat(centres, [30, 100, 400, 700])
    for _ in range(5):
        flips = np.uint64(1) << rng.integers(0, 64, len(crowd)).astype(np.uint64)
        crowd ^= np.where(rng.random(len(crowd)) < 0.8, flips, np.uint64(0))
    entries = np.unique(np.concatenate([crowd, rng.integers(0, 2**63, 3000, np.uint64)]))
    near = rng.choice(entries, 150) ^ np.uint64(1) << rng.integers(0, 64, 150).astype(np.uint64)
    others = rng.integers(0, 2**63, 60, np.uint64)
    return entries, np.unique(np.concatenate([centres, near, others]))


@pytest.mark.parametrize("radius", [0, 3, 8, 10, 40])
@pytest.mark.parametrize("few", [(4, 64), (2,), ()])
@pytest.mark.parametrize("singly", [0, 1000])
def test_nearest_equals_brute_force(radius: int, few, singly: int, monkeypatch):
    monkeypatch.setattr(nearest, "_FEW", few)
    monkeypatch.setattr(nearest, "AT_ONCE", 700)
    monkeypatch.setattr(code_join, "SINGLY", singly)
    entries, queries = entries_and_queries(radius)
    query, row, bits = brute.join(entries, queries, radius)
    met = []
    most = 90
    for near in nearest.nearest(build(entries), queries, radius, most):
        met += near.queries.tolist()
        for place, number in enumerate(near.queries.tolist()):
            part = slice(near.starts[place], near.starts[place + 1])
            found = list(zip(near.bits[part].tolist(), near.rows[part].tolist(), strict=True))
            mine = query == number
            every = sorted(zip(bits[mine].tolist(), row[mine].tolist(), strict=True))
            assert bool(near.crowded[place]) == (len(every) > most)
            assert found == sorted(found)
            assert set(found) <= set(every)
            if len(every) <= most:
                assert found == every
            elif radius <= 12:
                # None that was left out is nearer.
                assert found
                assert found[-1][0] <= min(one[0] for one in set(every) - set(found))
            else:
                assert found
    assert sorted(met) == list(range(len(queries)))
    if radius >= 8:
        assert np.bincount(query).max() > most


def test_a_crowd_of_one_distance_is_not_lost():
    """No code is nearer than any other, so that every smaller radius has none."""
    entries = np.array([(1 << a) | (1 << b) for a in range(20) for b in range(a)], np.uint64)
    parts = list(nearest.nearest(build(entries), np.zeros(1, np.uint64), 4, 50))
    found = next(near for near in parts if len(near.queries))
    assert found.crowded.all()
    assert len(found.rows) == 50
    assert set(found.bits.tolist()) == {2}
