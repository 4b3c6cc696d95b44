"""Units of a dataset: all its parts in order, of limited size, the same each time."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from registry.datasets import units
from registry.datasets.units import Part, parts_of, units_of

TABLES = st.lists(
    st.tuples(
        st.none() | st.integers(0, 3 * units.UNIT_ROWS), st.integers(0, 3 * units.UNIT_BYTES)
    ),
    max_size=20,
)


@given(TABLES)
def test_all_tables_are_in_units_in_order(sizes):
    parts = [Part(number) for number in range(len(sizes))]
    found = units_of(parts, sizes)
    assert [part for unit in found for part in unit] == parts
    for unit in found:
        own = [sizes[part.table] for part in unit]
        if len(unit) > 1:
            assert sum(rows or 0 for rows, _ in own) <= units.UNIT_ROWS
            assert sum(size for _, size in own) <= units.UNIT_BYTES


@given(st.lists(st.integers(1, 10**9), unique=True, max_size=2000).map(sorted))
def test_parts_of_a_table_follow_one_another(starts):
    parts = list(parts_of(7, starts))
    assert len(parts) <= units.MOST_PARTS
    assert parts[0].first == 0
    assert parts[-1].rows is None
    assert {part.first for part in parts} <= {0, *starts}
    for part, following in pairwise(parts):
        assert part.rows
        assert part.first + part.rows == following.first


def test_a_part_weighs_by_its_rows():
    half = units.UNIT_ROWS // 2
    parts = [*parts_of(0, [half, 3 * half]), Part(1)]
    sizes = [(4 * half, 0), (half, 0)]
    assert units_of(parts, sizes) == [
        [Part(0, 0, half)],
        [Part(0, half, 2 * half)],
        [Part(0, 3 * half), Part(1)],
    ]
