"""Rows sorted into buckets, against NumPy's sorts."""

import numpy as np
import pytest

from registry.matching import order
from registry.matching.order import by_bits, by_first_bits

LOW, ALL = (1 << 32) - 1, (1 << 64) - 1
RNG = np.random.default_rng(9)


def keys_of(kind: str, count: int) -> np.ndarray:
    if kind == "random":
        return RNG.integers(0, 2**64, count, np.uint64, endpoint=False)
    if kind == "few":
        return RNG.integers(0, 2**64, 7, np.uint64)[RNG.integers(0, 7, count)]
    if kind == "one bucket":
        return RNG.integers(0, 500, count).astype(np.uint64)
    return np.arange(count, dtype=np.uint64) << np.uint64(40)


@pytest.fixture(params=[False, True], ids=["numpy", "compiled"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "_COMPILED", 0 if request.param else 1 << 40)


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("count", [0, 1, 2, 3_000])
@pytest.mark.parametrize("kind", ["random", "few", "one bucket", "in order"])
def test_rows_are_in_order(kind: str, count: int):
    keys = keys_of(kind, count)
    for shift, bits in ((0, 5), (21, 12), (52, 12)):
        starts, rows = by_bits(keys, shift, bits)
        buckets = (keys >> np.uint64(shift) & np.uint64((1 << bits) - 1)).astype(np.int64)
        assert rows.tolist() == np.argsort(buckets, kind="stable").tolist()
        assert (
            starts.tolist()
            == np.searchsorted(np.sort(buckets), np.arange((1 << bits) + 1)).tolist()
        )
    for bits, mask in ((1, ALL), (10, ALL), (10, LOW), (0, LOW), (0, ALL)):
        starts, rows = by_first_bits(keys, bits, mask)
        buckets = keys >> np.uint64(64 - bits) if bits else np.zeros(count, np.uint64)
        kept = keys & np.uint64(mask)
        assert rows.tolist() == np.lexsort((np.arange(count), kept, buckets)).tolist()
        assert len(starts) == (1 << bits) + 1
        assert starts.tolist()[-1] == count
