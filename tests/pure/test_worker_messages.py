"""Messages between a worker and its children: one line each, read as they were written."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.record.schedules import DueVisit
from crawler.report.summary import Ended
from crawler.worker.messages import (
    Alive,
    Began,
    Done,
    GiveBack,
    Make,
    Order,
    Report,
    Stopped,
    line,
    order,
    report,
)
from registry.db.visits import Claim

# Every character but lone surrogates, which neither a database nor UTF-8 can hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
# Wider than the 64 bits of a column.
NUMBERS = st.integers(-(2**80), 2**80)
SECONDS = st.floats(0, allow_nan=False, allow_infinity=False)
OPTIONS = st.dictionaries(TEXTS, st.booleans() | NUMBERS | SECONDS | TEXTS | st.none(), max_size=8)
COUNTS = st.dictionaries(TEXTS, NUMBERS, max_size=8)

CLAIMS = st.builds(Claim, NUMBERS, NUMBERS, NUMBERS)
DUE = st.builds(DueVisit, CLAIMS, TEXTS, TEXTS, TEXTS, OPTIONS)
ENDED = st.builds(
    Ended,
    visit=NUMBERS,
    spider=TEXTS,
    start_url=TEXTS,
    host=TEXTS,
    state=TEXTS,
    counts=COUNTS,
    seconds=SECONDS,
    start_refusal=TEXTS | st.none(),
    stopped=COUNTS,
    signal=NUMBERS | st.none(),
)
ORDERS = st.builds(Make, DUE) | st.just(GiveBack())
REPORTS = (
    st.builds(Alive, COUNTS)
    | st.builds(Began, CLAIMS, TEXTS)
    | st.builds(Done, CLAIMS, ENDED)
    | st.builds(Stopped, CLAIMS, TEXTS, st.booleans())
)


@given(ORDERS)
def test_an_order_is_read_as_it_was_written(message: Order) -> None:
    text = line(message)
    assert text.index(b"\n") == len(text) - 1
    assert order(text) == message


@given(REPORTS)
def test_a_report_is_read_as_it_was_written(message: Report) -> None:
    text = line(message)
    assert text.index(b"\n") == len(text) - 1
    assert report(text) == message


def test_a_visit_arrives_with_its_types() -> None:
    due = DueVisit(Claim(7, 2, 1), "gallery", "https://a.example/", "a.example", {"delay": 2.0})
    arrived = order(line(Make(due)))
    assert isinstance(arrived, Make)
    assert isinstance(arrived.due, DueVisit)
    assert isinstance(arrived.due.claim, Claim)
    assert isinstance(arrived.due.options["delay"], float)


UNREADABLE = [
    b"",
    b"\n",
    b"warning: a library has printed this\n",
    b"null\n",
    b"[]\n",
    b"{}\n",
    b'{"type":"none"}\n',
    b'{"type":"alive","counts":{"pages":"1"}}\n',
    b'{"type":"began"}\n',
    b'{"type":"began","claim":"1","text":""}\n',
    b'{"type":"began","claim":[1.5,1,0],"text":""}\n',
    b'{"type":"began","claim":[1,1,0],"text":"\xff"}\n',
    b'{"type":"began","claim":[1,1,0],"text":""} {"type":"alive"}\n',
    b'{"type":"stopped","claim":[1,1,0],"error":"","is_failed":null}\n',
    b'{"type":"done","claim":[1,1,0],"ended":{"visit":1}}\n',
    b'{"type":"make","due":{"claim":[1],"spider":"","start_url":"","host":"","options":{}}}\n',
    line(
        Done(
            Claim(1, 1), Ended(1, "gallery", "https://a.example/", "a.example", "finished", {}, 1.0)
        )
    )[:40],
    b"[" * 100_000,
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_another_line_is_no_message(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        order(text)
    with pytest.raises(msgspec.DecodeError):
        report(text)


@given(st.binary())
def test_any_line_is_a_message_or_an_error(text: bytes) -> None:
    for read in (order, report):
        try:
            message = read(text)
        except msgspec.DecodeError:
            continue
        assert isinstance(message, Order | Report)


def test_orders_are_no_reports_nor_the_reverse() -> None:
    with pytest.raises(msgspec.DecodeError):
        report(line(GiveBack()))
    with pytest.raises(msgspec.DecodeError):
        order(line(Alive()))
