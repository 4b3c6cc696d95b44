"""Tables read in columns: the same claims and problems as row by row, in the same order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from registry.claims import files, lines
from registry.claims.files import read_claims, read_table
from registry.claims.ordinary import ClaimColumns
from registry.claims.rows import UnreadableRow
from registry.claims.tables import Problems
from registry.db.claim_columns import copy_columns
from registry.db.claim_copy import copy_rows
from registry.errors import UnreadableInput
from registry.model import Claim

LIST = Claim("list", claimant="an artist")
A, B = "https://art.example/a.jpg", "https://art.example/b.jpg"
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
same_folder = settings(suppress_health_check=SLOW)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read short files in columns, in blocks of a few lines."""
    monkeypatch.setattr(files, "SMALL", 0)
    monkeypatch.setattr(lines, "FEWEST_PLAIN", 2)
    monkeypatch.setattr(lines, "BLOCK", 512)


def row_by_row(path: Path) -> tuple[list[bytes], Problems, str]:
    problems, claims, error = Problems(), list[bytes](), ""
    try:
        for claim in read_claims(path, LIST, problems):
            claims.append(copy_rows([claim]))
    except UnreadableInput as caught:
        error = f"{caught.message} {caught.hint}"
    return sorted(claims), problems, error


def in_columns(path: Path) -> tuple[list[bytes], Problems, str, int]:
    problems, claims, error, ordinary = Problems(), list[bytes](), "", 0
    try:
        for part in read_table(path, LIST, problems):
            if isinstance(part, ClaimColumns):
                ordinary += part.count
                one = [
                    ClaimColumns(1, {name: c.slice(at, 1) for name, c in part.columns.items()})
                    for at in range(part.count)
                ]
                rows = [bytes(copy_columns(filtered(row), LIST)) for row in one]
                assert b"".join(rows) == bytes(copy_columns(part, LIST))
                claims += rows
            else:
                claims.append(copy_rows([part]))
    except UnreadableInput as caught:
        error = f"{caught.message} {caught.hint}"
    return sorted(claims), problems, error, ordinary


def filtered(claims: ClaimColumns) -> ClaimColumns:
    """Return a claim whose columns begin with their buffers, without those that are null."""
    columns = {
        name: pa.concat_arrays([c]).take(pa.array([0])) for name, c in claims.columns.items()
    }
    return ClaimColumns(1, {name: c for name, c in columns.items() if not c.null_count})


def check(path: Path) -> int:
    """Compare both ways to read a table; return how many rows were read in columns."""
    claims, problems, error = row_by_row(path)
    others, other_problems, other_error, ordinary = in_columns(path)
    assert other_problems == problems
    assert other_problems.unknown.listed() == problems.unknown.listed()
    assert other_error == error
    assert others == claims
    return ordinary


CELLS = st.sampled_from(
    [
        *(
            A,
            A,
            A,
            B,
            B,
            "",
            " ",
            "noai",
            "nowhere",
            f" {A}",
            f'"{A}"',
            f'"{A}',
            f'{A}"',
            '"a""b"',
            '""',
        ),
        *(
            f'"{A},x"',
            f'"{A}\n{B}"',
            "caf\xe9",
            "\0",
            "\xff",
            "a\tb",
            "\x1f",
            "\x85",
            '"open\n',
            "\r",
        ),
    ]
)
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=30)
ENDS = st.sampled_from(["\n", "\n", "\r\n", "\r"])
PLAIN = [f"{A}?{n},noai,x" for n in range(12)]


@same_folder
@given(
    ROWS,
    st.sampled_from(["url,signal,caption", "URL;signal", "url", "url\tx\tsite", "a,url,a,md5"]),
    ENDS,
    st.sampled_from([".csv", ".csv", ".tsv"]),
    st.integers(0, 12),
    st.booleans(),
)
@example([['"open\n', *PLAIN]], "url,signal,caption", "\n", ".csv", 3, True)
@example([["", A], ["", A]], "url", "\n", ".csv", 0, False)
def test_csv(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    header: str,
    end: str,
    suffix: str,
    plain: int,
    is_latin: bool,
) -> None:
    delimiter = max(",;\t", key=header.count)
    fields = header.count(delimiter) + 1
    ordinary = [delimiter.join([f"{A}?{n}"] * fields) for n in range(plain)]
    text = [delimiter.join(cells) for cells in rows]
    middle = len(text) // 2
    content = end.join([header, *text[:middle], *ordinary, *text[middle:]]) + end
    path = tmp_path_factory.getbasetemp() / f"list{suffix}"
    path.write_bytes(content.encode("latin-1" if is_latin else "utf-8"))
    check(path)


MEMBERS = st.sampled_from(
    [
        *(f'"{A}"', f'"{A}"', f'"{B}"', '""', "null", "5", "640", "1e3", "-0", "true", "[1]", "{}"),
        *(
            '"a\\"b"',
            '"\\ud83d"',
            '"\\ud83d\\ude00"',
            "NaN",
            '" "',
            '"caf\xe9"',
            "012",
            "0",
            '"640"',
        ),
        *("1" * 5000, '"a\tb"', '"\x7f"', '"8000000000000000"', '"8f0e1d2c3b4a5968"'),
    ]
)
NAMES = st.sampled_from(["url", "width", "phash64", "caption", "signal", "URL", "Page-URL", "n"])


@st.composite
def json_lines(draw: st.DrawFn) -> list[str]:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    space = draw(st.sampled_from(["", " "]))
    made = []
    for _ in range(draw(st.integers(0, 30))):
        own = names if draw(st.integers(0, 4)) else draw(st.lists(NAMES, max_size=4))
        members = [f'"{name}":{space}{draw(MEMBERS)}' for name in own]
        made.append("{" + f",{space}".join(members) + "}")
    return made + draw(st.lists(st.sampled_from(["", " ", "[1]", "{", "\0", f'{{"url": "{A}"}} '])))


@same_folder
@given(json_lines(), ENDS)
@example([f'{{"url": "{A}", "caption": "a{space}b"}}' for space in " \t  \t"] * 4, "\n")
def test_json_lines(tmp_path_factory: pytest.TempPathFactory, texts: list[str], end: str) -> None:
    path = tmp_path_factory.getbasetemp() / "list.jsonl"
    path.write_bytes(end.join(texts).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("registry.claims.text_tables._OTHER_FORM", 3)
        check(path)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "url": st.sampled_from([A, A, A, B, "", None, "nowhere", f" {A}", "caf\xe9", f'{A}"']),
    "signal": st.sampled_from(["noai", None, 'a "b"', "\x1b", "é", "x\ny"]),
    "phash64": st.sampled_from([None, "8f0e1d2c3b4a5968", "8000000000000000", "12"]),
    "width": st.sampled_from([None, 640, 0, -1, 2**31 - 1]),
    "caption": st.sampled_from(["x", None]),
}


@same_folder
@given(
    st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=40),
    st.lists(st.sampled_from([*VALUES]), min_size=1, unique=True),
    st.integers(1, 12),
)
def test_parquet(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    names: list[str],
    group: int,
) -> None:
    path = tmp_path_factory.getbasetemp() / "list.parquet"
    width = pa.int64()
    kinds = {name: width if name == "width" else pa.string() for name in names}
    columns = {name: pa.array([row[name] for row in rows], kind) for name, kind in kinds.items()}
    pq.write_table(pa.table(columns), path, row_group_size=group)
    check(path)


@pytest.mark.parametrize(
    "form", ["plain", "quoted", "crlf", "one column", "tsv", "jsonl", "parquet"]
)
def test_ordinary_tables_are_read_in_columns(tmp_path: Path, form: str) -> None:
    urls = [f"{A}?{n}" for n in range(100)]
    path = tmp_path / "list.csv"
    if form == "parquet":
        path = path.with_suffix(".parquet")
        pq.write_table(pa.table({"url": urls, "signal": ["noai"] * 100}), path)
    elif form == "jsonl":
        path = path.with_suffix(".jsonl")
        path.write_text("".join(json.dumps({"url": url, "width": 5}) + "\n" for url in urls))
    elif form == "one column":
        path.write_text("url\n" + "\n".join(urls) + "\n")
    elif form == "tsv":
        path = path.with_suffix(".tsv")
        path.write_text("url\tcaption\n" + "".join(f"{url}\ta b\n" for url in urls))
    else:
        end = "\r\n" if form == "crlf" else "\n"
        cell = '"{}"' if form == "quoted" else "{}"
        rows = [f"{cell.format(url)},{cell.format('noai')}" for url in urls]
        path.write_bytes(end.join(["url,signal", *rows, ""]).encode())
    # Of JSON lines, the first shows the form of the others.
    assert check(path) >= 98


def test_a_damaged_row_group_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"url": [f"{A}?{n}" for n in range(30)]}), path, row_group_size=10)
    where = pq.ParquetFile(path).metadata.row_group(1).column(0)
    start = where.dictionary_page_offset or where.data_page_offset
    damaged = bytearray(path.read_bytes())
    damaged[start : start + where.total_compressed_size] = b"\xff" * where.total_compressed_size
    path.write_bytes(damaged)
    assert check(path) == 20


def reference(path: Path, longest: int) -> Iterator[tuple[int, str]]:
    """Yield the lines as Python's text files have them; "" for those that are not read."""
    number = 0
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        while line := file.readline(longest):
            number += 1
            if len(line) < longest or line.endswith(("\n", "\r")):
                broken = "\0" in line or any("\ud800" <= c <= "\udfff" for c in line)
                yield number, "" if broken else line
                continue
            while line and not line.endswith(("\n", "\r")):
                line = file.readline(longest)
            yield number, ""


STARTS = st.sampled_from([b"", b"\xef\xbb\xbf"]).map(lambda mark: mark + b"text")
PARTS = [
    b"a",
    b"a" * 7,
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\xc3\xa9",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"x" * 50,
]


@same_folder
@given(st.lists(st.sampled_from(PARTS), max_size=40), st.sampled_from([1, 3, 8, 64]), STARTS)
def test_lines_are_those_of_text_files(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], block: int, start: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    path.write_bytes(start + b"".join(parts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", block)
        with lines.opened(path) as file:
            found = [
                (number, "" if isinstance(text, UnreadableRow) else text)
                for number, text in lines.lines_of(file)
            ]
    assert found == list(reference(path, 16 << 20))


@given(st.lists(st.sampled_from([b"a", b"aaa", b"\n", b"\r\n"]), max_size=60))
def test_long_lines_are_those_of_text_files(parts: list[bytes]) -> None:
    content = b"".join(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", 4)
        patch.setattr(lines, "LONGEST_LINE", 10)
        found = [isinstance(line.text, UnreadableRow) for line in lines.lines_of(BytesIO(content))]
    whole = content.split(b"\n")
    sizes = [len(line) + 1 for line in whole[:-1]] + [len(whole[-1]) + 1] * bool(whole[-1])
    assert found == [size > 10 for size in sizes]
