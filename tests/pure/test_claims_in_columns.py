"""Rows read in columns are the claims that the code for single rows makes of them, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import FULL_CLAIM

from registry.claims.columns import COLUMNS
from registry.claims.ordinary import split
from registry.claims.rows import claim_from_row
from registry.db.claim_columns import copy_columns
from registry.db.claim_copy import copy_rows
from registry.model import Claim

LIST = Claim("a list")
URL = "https://art.example/a.jpg"
ORDINARY: dict[str, list[Any]] = {
    "url": [URL, "http://a.b/?q", "https://x", "https://x#y", "https://1.a_b/~%20 c\\\"d'"],
    "page_url": ["https://art.example/gallery?a=b&c[]"],
    "licence_url": ["http://art.example"],
    "site": ["art.example", "a", "x.4a.b-c", "_"],
    "path_pattern": ["/a*", "*", "/"],
    "sha256": ["ab" * 32, "AB" * 32],
    "md5": ["0123456789abcdefABCDEF0123456789"],
    "phash64": ["8f0e1d2c3b4a5968"],
    "phash256": ["0123456789abcdef" * 4],
    "width": ["640", "1", "999999999"],
    "height": ["480"],
    "meaning": ["reserved", "conditional", "allowed"],
    "use": ["train", "train-genai", "tdm"],
    "signal": ["noai", "für Künstler", "禁止 😀", 'say "no" \\ yes'],
    "evidence": ['<meta name="robots" content="noai">', "~ ~"],
    "observed_at": ["2024-02-29", "2024-05-31T23:59:59Z", "1999-12-31 00:00:00+00:00"],
    "source": ["another list"],
    "claimant": ["the artist"],
}
# What is put into ordinary values, to make others of them.
PIECES = [
    *(" ", "\t", "\n", "\r", "\0", "\x0b", "\x1c", "\x7f", "\x85", "\xa0", "é", "\u200b", "😀"),
    *('"', "\\", "'", "%", "@", ":80", ":443", ":8080", "[::1]", "127.0.0.1", "0x7f", "//", "?"),
    *("\u3000", "\u2028", "\u202f", "\u200b", "\U0010ffff", "\x9f", "禁", "\U0010fffe"),
    *("#", "/", ".", "-", "A", "Z", "0", "1", "9", "٣", "+01:00", ".5", "x" * 70, "60", "1969"),
    *("https://", "HTTP://", "ftp://", "example.org/", "xn--", "ß", "..", "00", "f", "W"),
]
HOSTILE = [
    *("", " ", "nowhere", "8" + "0" * 15, "0" * 16, "f" * 16, "0" * 64, "f" * 64, "0" * 32),
    *("2024-02-30", "2023-02-29", "2024-13-01", "2024-00-10", "2024-01-00", "2024-01-01T24:00:00"),
    *("0000-01-01", "1969-12-31", "1970-01-01", "8999-12-31", "9000-12-31", "9999-12-31"),
    *("2024-01-01T12:00", "20240101", "2024-W01-1", "12:00", "640.0", "0640", "2147483648"),
    *("2100-02-29", "2000-02-29", "2024-04-31", "2024-12-31", f"{'a.' * 126}a", f"{'a.' * 127}a"),
    *(
        "a" * 63,
        "a" * 64,
        f"{'a' * 64}.b",
        "1e3",
        "Reserved",
        "TRAIN",
        "http:///",
        "https://a..b/",
        "https://.a/",
        "https://a./",
        "/",
    ),
    *("https://a:99999/", "https://1.2.3.4/", "https://1.2.3.999/", "a.b:80", "a.b/c", "a b"),
]


def check(columns: dict[str, pa.Array], defaults: Claim = LIST) -> np.ndarray[Any, Any]:
    """Compare the claims of ordinary rows with those of the row code; return which these are."""
    count = len(next(iter(columns.values())))
    claims, ordinary = split(columns, count)
    rows = [
        {name: array[place].as_py() for name, array in columns.items()}
        for place in np.flatnonzero(ordinary)
    ]
    expected = [
        claim_from_row(row, defaults.source, meaning=defaults.meaning, claimant=defaults.claimant)
        for row in rows
    ]
    assert claims.count == len(rows) == ordinary.sum()
    for row, claim in zip(rows, expected, strict=True):
        # A hash that the row code leaves out is counted there.
        assert all(getattr(claim, name) or not row.get(name) for name in ("phash64", "phash256"))
    assert bytes(copy_columns(claims, defaults)) == copy_rows(expected)
    return ordinary


@st.composite
def changed(draw: st.DrawFn, column: str) -> str:
    """Return an ordinary value with something put into it."""
    value = draw(st.sampled_from(ORDINARY[column]))
    at = draw(st.integers(0, len(value)))
    skipped = draw(st.integers(0, 2))
    return str(value[:at] + draw(st.sampled_from(PIECES)) + value[at + skipped :])


def values(column: str) -> st.SearchStrategy[str | None]:
    ordinary = st.sampled_from(ORDINARY[column])
    others = st.one_of(changed(column), st.sampled_from(HOSTILE), st.text(max_size=6), st.none())
    return st.one_of(ordinary, ordinary, ordinary, others)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, pa.Array]:
    names = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=6, unique=True))
    count = draw(st.integers(1, 12))
    columns = {}
    for name in names:
        texts = draw(st.lists(values(name), min_size=count, max_size=count))
        texts = [text and text.encode("utf-8", "ignore").decode() for text in texts]
        array = pa.array(texts, pa.string())
        kind = draw(st.sampled_from([None, None, pa.large_string(), pa.binary(), "dictionary"]))
        if kind == "dictionary":
            array = array.dictionary_encode()
        elif kind is not None:
            array = array.cast(kind)
        columns[name] = array.slice(draw(st.integers(0, count - 1)))
    shortest = min(map(len, columns.values()))
    return {name: array.slice(len(array) - shortest) for name, array in columns.items()}


@given(tables(), st.sampled_from([LIST, Claim("Liste für Künstler \U0010ffff", claimant='"A"')]))
def test_columns_of_text_equal_rows(columns: dict[str, pa.Array], defaults: Claim) -> None:
    check(columns, defaults)


@pytest.mark.parametrize("column", COLUMNS)
def test_every_hostile_value_alone(column: str) -> None:
    """Each ordinary value with each piece before and after it, and at places within."""
    texts = [*HOSTILE, *ORDINARY[column]]
    texts += [piece + value for value in ORDINARY[column] for piece in PIECES]
    texts += [value + piece for value in ORDINARY[column] for piece in PIECES]
    texts += [value[:8] + piece + value[9:] for value in ORDINARY[column] for piece in PIECES]
    columns = {column: pa.array(texts, pa.string()), "sha256": pa.array(["ab" * 32] * len(texts))}
    columns |= {} if column == "site" else {"site": pa.array(["a.b"] * len(texts))}
    columns[column] = pa.array(texts, pa.string())
    assert check(columns).sum() < len(texts)


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "path_pattern"])
def test_ordinary_values_are_read_in_columns(column: str) -> None:
    texts = ORDINARY[column]
    columns = {column: pa.array(texts), "url": pa.array([URL] * len(texts))}
    columns[column] = pa.array(texts)
    assert check(columns).all()


def test_a_claim_with_every_field_is_read_in_columns() -> None:
    names = [name for name in COLUMNS if name != "observed_at"]
    columns = {name: pa.array([str(getattr(FULL_CLAIM, name))] * 3) for name in names}
    columns["observed_at"] = pa.array(["2024-05-31T10:00:00Z", None, "2024-05-31"])
    assert check(columns).all()


TIMES = st.one_of(
    st.integers(-(1 << 62), 1 << 62),
    st.integers(-(10**6), 10**6),
    st.integers(0, 4 * 10**18),
    st.none(),
)
SIDES = st.one_of(st.integers(-1, 3), st.integers(2**31 - 2, 2**31 + 1), st.none())
FLOATS = st.one_of(
    st.floats(),
    st.integers(0, 2**32).map(float),
    st.none(),
)


def columns_of(strategy: st.SearchStrategy[Any], *kinds: Callable[[list[Any]], pa.Array]) -> Any:
    return st.tuples(st.lists(strategy, min_size=1, max_size=8), st.sampled_from(kinds)).map(
        lambda drawn: drawn[1](drawn[0])
    )


def ticks(unit: str, zone: str | None) -> Callable[[list[Any]], pa.Array]:
    kind = pa.timestamp(unit, zone)
    return lambda values: pa.array(values, pa.int64()).cast(kind)


MOMENTS = columns_of(
    TIMES, *(ticks(unit, zone) for unit in ("s", "ms", "us") for zone in (None, "UTC"))
)
DATES = columns_of(
    st.one_of(st.integers(-800_000, 3_000_000), st.integers(-2, 2), st.none()),
    lambda days: pa.array(days, pa.int32()).cast(pa.date32()),
)
NUMBERS = columns_of(
    SIDES,
    lambda v: pa.array(v, pa.int64()),
    lambda v: pa.array([x and abs(x) for x in v], pa.uint64()),
)
WHOLES = columns_of(
    FLOATS, lambda v: pa.array(v, pa.float64()), lambda v: pa.array(v, pa.float32())
)


@given(st.one_of(MOMENTS, DATES))
def test_columns_of_times_equal_rows(times: pa.Array) -> None:
    columns = {"url": pa.array([URL] * len(times)), "observed_at": times}
    _, ordinary = split(columns, len(times))
    kept = [place for place in range(len(times)) if ordinary[place] and is_readable(times[place])]
    assert len(kept) == ordinary.sum()
    check({name: array.take(pa.array(kept, pa.int64())) for name, array in columns.items()})


def is_readable(time: pa.Scalar) -> bool:
    try:
        time.as_py()
    except (ValueError, OverflowError):
        return False
    return True


@given(st.one_of(NUMBERS, WHOLES))
def test_columns_of_sides_equal_rows(sides: pa.Array) -> None:
    check({"url": pa.array([URL] * len(sides)), "width": sides})


BLANK = [b" " * 8, b"\t\n\r\x0b\x0c  \t", b"\x85" * 8, b"\x1c" * 8]
CODES = st.one_of(
    st.binary(max_size=17),
    st.binary(min_size=8, max_size=8),
    st.sampled_from([*BLANK, b"\0" * 8, b"\x80" + b"\0" * 7, b"\xff" * 8, b"8f0e1d2c3b4a5968"]),
    st.none(),
)


@given(st.lists(CODES, min_size=1, max_size=8), st.sampled_from([pa.binary(), pa.large_binary()]))
def test_columns_of_bytes_equal_rows(codes: list[bytes | None], kind: pa.DataType) -> None:
    count = len(codes)
    for name in ("phash64", "md5"):
        check({"url": pa.array([URL] * count), name: pa.array(codes, kind)})
    texts = [None if code is None else code.decode("latin-1").encode() for code in codes]
    check({"url": pa.array([URL] * count), "signal": pa.array(texts, kind)})


def test_fixed_bytes_are_read_in_columns() -> None:
    codes = pa.array([bytes(range(32)), None, b" " * 32], pa.binary(32))
    columns = {"url": pa.array([URL, URL, None]), "sha256": codes, "phash256": codes}
    assert check(columns).tolist() == [True, True, False]


def test_times_of_several_types_are_read_in_columns() -> None:
    moment = datetime(2023, 11, 14, 22, 13, 20, 5)
    for values in (
        pa.array([moment, moment.replace(microsecond=0), None]),
        pa.array([moment, None, moment], pa.timestamp("us", "UTC")),
        pa.array([date(2024, 2, 29), None, date(1999, 12, 31)]),
        pa.array([10**18, 10**18 + 10**6, None]).cast(pa.timestamp("ns")).cast(pa.timestamp("us")),
    ):
        assert check({"url": pa.array([URL] * 3), "observed_at": values}).all()


@pytest.mark.parametrize(
    "column",
    [
        pa.array([True, False]),
        pa.array([[URL], [URL]]),
        pa.array([{"a": 1}, None]),
        pa.array([1, 2]),
        pa.array([datetime(2024, 5, 31, tzinfo=timezone(timedelta(hours=2)))] * 2),
    ],
)
def test_other_types_are_left_to_the_row_code(column: pa.Array) -> None:
    for name in ("url", "signal", "phash64"):
        columns = {"sha256": pa.array(["ab" * 32] * 2), name: column}
        _, ordinary = split(columns, 2)
        assert ordinary.tolist() == column.is_null().to_pylist()


def test_text_that_is_not_utf8_is_left_to_the_row_code() -> None:
    raw = pa.array([b"https://art.example/\xe9.jpg", URL.encode()], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    for name in ("url", "signal"):
        columns = {name: broken, "sha256": pa.array(["ab" * 32] * 2)}
        _, ordinary = split(columns, 2)
        assert ordinary.tolist() == [False, True]


def test_a_row_without_a_key_or_with_a_path_alone_is_left_to_the_row_code() -> None:
    columns = {
        "url": pa.array([None, "", URL, URL]),
        "signal": pa.array(["noai"] * 4),
        "path_pattern": pa.array([None, None, "/a", None]),
    }
    assert check(columns).tolist() == [False, False, False, True]
