"""Tables of keys against dictionaries, also with hashes that collide on purpose."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.matching import key_table
from registry.matching.key_table import NONE, KeyTable, build
from registry.matching.lists import Lists, group

WORD = (1 << 64) - 1
# Hashes: a good one, one with few values, one whose first bits collide, and one whose last do.
HASHES = {
    "good": lambda key: key * 0x9E3779B97F4A7C15 & WORD,
    "three": lambda key: key % 3,
    "last": lambda key: key * 0x9E3779B97F4A7C15 % 7 << 61 & WORD,
    "first": lambda key: key % 1000,
    "middle": lambda key: (key % 5) << 40 | (key % 2) << 62,
    "one": lambda key: 7,
}


def made(keys: dict[int, int], hashed) -> tuple[KeyTable, Lists]:
    """Return the table of keys by row."""
    rows = np.array(sorted(keys), np.int64)
    hashes = np.array([hashed(keys[row]) for row in rows.tolist()], np.uint64)

    def are_equal(ours, theirs):
        pairs = zip(ours.tolist(), theirs.tolist(), strict=True)
        return np.array([keys[one] == keys[other] for one, other in pairs], bool)

    return build(hashes, rows, are_equal)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("hashed", HASHES.values(), ids=HASHES)
@given(
    keys=st.dictionaries(st.integers(0, 400), st.integers(0, 60), max_size=60),
    asked=st.lists(st.integers(0, 80), max_size=40),
)
def test_every_key_is_found_with_all_its_rows_and_no_other(compiled, hashed, keys, asked):
    table, lists = made(keys, hashed)
    rows_of: dict[int, list[int]] = {}
    for row in sorted(keys):
        rows_of.setdefault(keys[row], []).append(row)
    assert len(table) == len(rows_of)

    def is_key(places, numbers):
        first = lists.first(numbers).tolist()
        pairs = zip(places.tolist(), first, strict=True)
        return np.array([asked[place] == keys[row] for place, row in pairs], bool)

    hashes = np.array([hashed(key) for key in asked], np.uint64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_table, "COMPILED_KEYS", 0 if compiled else 1 << 60)
        numbers = table.find(hashes, is_key)
    for key, number in zip(asked, numbers.tolist(), strict=True):
        found = [] if number == NONE else lists.of(np.array([number]))[1].tolist()
        assert found == rows_of.get(key, [])


def test_the_same_rows_give_the_same_bytes_in_any_number_of_buckets():
    for count in range(70):
        keys = {row: row % 23 for row in range(count)}
        one, other = made(keys, HASHES["good"]), made(keys, HASHES["good"])
        for ours, theirs in zip(one, other, strict=True):
            for name in ours.__slots__:
                assert getattr(ours, name).tobytes() == getattr(theirs, name).tobytes()
        assert one[0].starts[-1] == len(one[0])


def test_a_bucket_made_long_on_purpose_is_searched_by_halves():
    """All of a million keys in one bucket: one by one this would take hours."""
    count = 1_000_000
    hashes = np.arange(count, dtype=np.uint64)
    never = lambda ours, theirs: np.zeros(len(ours), bool)  # noqa: E731
    table, lists = build(hashes, np.arange(count), never)
    assert np.diff(table.starts.astype(np.int64)).max() == count
    for size in (2000, count):
        numbers = table.find(hashes[:size], lambda places, found: lists.first(found) == places)
        assert (numbers == np.arange(size)).all()


@given(st.lists(st.integers(0, 9), max_size=50))
def test_lists_hold_the_rows_of_each_number_in_order(numbers):
    rows = np.arange(len(numbers)) + 5
    lists = group(np.array(numbers, np.int64), rows, 10)
    for number in range(10):
        expected = [row + 5 for row, value in enumerate(numbers) if value == number]
        assert lists.of(np.array([number]))[1].tolist() == expected
        assert lists.counts(np.array([number]))[0] == len(expected)
