"""Nested columns as flat ones: every text is there, in its row, whatever it lies in."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from registry.checking import nested
from registry.checking.nested import elements, flat, flat_fields

KIND = st.recursive(
    st.sampled_from([pa.string(), pa.large_string(), pa.int32()]),
    lambda inner: st.one_of(
        inner.map(pa.list_),
        inner.map(pa.large_list),
        inner.map(lambda kind: pa.map_(pa.string(), kind)),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda kinds: pa.struct([(f"m{n}", kind) for n, kind in enumerate(kinds)])
        ),
    ),
    max_leaves=4,
)


def value_of(kind, draw):
    if draw(st.integers(0, 5)) == 0:
        return None
    if pa.types.is_integer(kind):
        return draw(st.integers(0, 9))
    if pa.types.is_map(kind):
        size = draw(st.integers(0, 2))
        return [(f"k{n}", value_of(kind.item_type, draw)) for n in range(size)]
    if pa.types.is_struct(kind):
        return {field.name: value_of(field.type, draw) for field in kind.fields}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [value_of(kind.value_type, draw) for _ in range(draw(st.integers(0, 3)))]
    return draw(st.sampled_from(["a", "b", ""]))


@st.composite
def columns(draw):
    kind = draw(KIND)
    rows = [value_of(kind, draw) for _ in range(draw(st.integers(0, 5)))]
    return pa.array(rows, kind), draw(st.integers(0, 3))


def texts(value):
    """Return all texts within a value, in order; keys of maps are texts, too."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value
    return (
        [one for part in parts for one in texts(part)]
        if isinstance(value, dict | list | tuple)
        else []
    )


@given(columns())
def test_every_text_is_found_in_its_row(drawn):
    column, start = drawn
    batch = pa.record_batch([column.slice(start), column.slice(start)], ["c", "c.m0"])
    for names in (["c"], ["c", "c.m0"]):
        part = batch.select(names)
        whole = flat(part, flat_fields(part.schema))
        assert set(whole.schema.names) == set(flat_fields(part.schema))
        assert set(flat_fields(part.schema).values()) == set(names)
    part = batch.select(["c"])
    found = [[] for _ in range(len(part))]
    for leaf in flat(part, flat_fields(part.schema)).columns:
        for one in elements(leaf)[0]:
            for row, value in enumerate(one.to_pylist()):
                found[row] += texts(value)
    assert [sorted(row) for row in found] == [
        sorted(texts(v)) for v in column.slice(start).to_pylist()
    ]


def test_pictures_and_numbers_stay_whole():
    picture = {"bytes": b"x", "path": "p"}
    batch = pa.RecordBatch.from_pylist(
        [{"shots": [picture, None], "vector": [[0.5]], "one": picture, "info": {"n": 1}}]
    )
    assert flat_fields(batch.schema) == {name: name for name in ("shots", "vector", "one", "info")}
    shots, too_many = elements(batch.column("shots"))
    assert [one.to_pylist() for one in shots] == [[picture], [None]]
    assert not too_many.any()


def test_rows_of_very_many_elements_are_said(monkeypatch):
    monkeypatch.setattr(nested, "MOST_ELEMENTS", 2)
    first, too_many = elements(pa.array([["a"], ["a", "b", "c"], None, []]))
    assert [one.to_pylist() for one in first] == [["a", "a", None, None], [None, "b", None, None]]
    assert too_many.tolist() == [False, True, False, False]
    monkeypatch.setattr(nested, "MOST_VALUES", 2)
    assert len(elements(pa.array([["a", "b"]] * 4))[0]) == 1


def test_lists_in_views_are_read():
    batch = pa.record_batch([pa.array([["a"], None], pa.list_view(pa.string()))], ["c"])
    (column,) = flat(batch, flat_fields(batch.schema)).columns
    assert [one.to_pylist() for one in elements(column)[0]] == [["a", None]]
