"""The scanner of JSON: it finds the elements of a value in blocks of any size."""

import io
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from registry.datasets.json.scan import State, scan
from registry.datasets.json.stream import Cursor

LAYOUTS = [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False, "indent": "\t"}]


@settings(max_examples=40)
@given(
    st.recursive(
        st.one_of(st.text(alphabet='a"\\[]{},: \n', max_size=6), st.integers()),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.text('"\\,:[', max_size=3), inner)
        ),
    ),
    st.integers(3, 60),
    st.sampled_from(LAYOUTS),
)
def test_a_cursor_finds_the_elements(value, size, layout):
    elements = [value, "end", value]
    cursor = Cursor(io.BytesIO(json.dumps(elements, **layout).encode() + b"7"), size)
    cursor.start()
    found = [text for block in cursor.elements() for text in block.texts()]
    assert [json.loads(text) for text in found] == elements
    assert cursor.peek() == b"7"
    copied = []
    text = json.dumps({"a": value, "b": value, "c": 5}, **layout).encode()
    cursor = Cursor(io.BytesIO(text), size)
    cursor.copy = copied.append
    cursor.start()
    assert [name for name in cursor.members() if cursor.value() is None] == ["a", "b", "c"]
    assert b"".join(copied) == text


@given(st.text(alphabet='a"\\[]{},:\n', max_size=30), st.integers(0, 30))
def test_a_scan_can_be_divided(text, place):
    data = text.encode()
    whole = scan(data)
    first = scan(data[:place])
    if first.close is not None:
        return
    second = scan(data[place:], first.state)
    assert [*first.commas, *(second.commas + len(data[:place]))] == [*whole.commas]
    assert second.state == whole.state or second.close is not None
    start = State(0, False, False)
    assert scan(data, start).close == whole.close
