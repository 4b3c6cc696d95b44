"""CSV as it is found damaged: which rows are read, which are reported, and that none is missing."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.claims.csv_rows import (
    QUOTED_CHARACTERS,
    QUOTED_LINES,
    CsvLine,
    CsvRow,
    CsvRows,
)
from registry.claims.rows import UnreadableRow
from registry.errors import UnreadableInput

HOST = "https://art.example/"


def claims_at(place: int) -> Callable[[list[str]], bool]:
    return lambda cells: place < len(cells) and cells[place].startswith(HOST)


makes_claim = claims_at(0)


def lines(text: str) -> Iterable[CsvLine]:
    return (
        CsvLine(at, line)
        for at, line in enumerate(io.StringIO(text, newline="").readlines(), start=1)
    )


def read(text: str, delimiter: str | None = None, key_at: int = 0) -> list[CsvRow]:
    return list(CsvRows(lines(text), delimiter).rows(claims_at(key_at)))


def good(rows: list[CsvRow]) -> list[list[str]]:
    return [row.cells for row in rows if not isinstance(row.cells, UnreadableRow)]


def bad(rows: list[CsvRow]) -> dict[int, str]:
    return {r.first: r.cells.message for r in rows if isinstance(r.cells, UnreadableRow)}


def many(number: int, start: int = 0) -> str:
    return "".join(f"{HOST}{n}.jpg,noai\n" for n in range(start, start + number))


def test_a_quote_that_is_never_closed_costs_its_own_row_only() -> None:
    text = "url,signal\n" + many(1_000) + f'{HOST}x.jpg,"noai\n' + many(50_000, 1_000)
    rows = read(text)
    assert len(good(rows)) == 51_000
    assert bad(rows) == {1_002: "not CSV: a quote is not closed"}


def test_quotes_never_closed_in_every_tenth_row() -> None:
    body = [f"{HOST}{n},{chr(34) if n % 10 == 0 else ''}noai" for n in range(5_000)]
    rows = read("url,signal\n" + "\n".join(body) + "\n")
    assert len(good(rows)) == 4_500
    assert len(bad(rows)) == 500


@pytest.mark.parametrize(
    "closing",
    [
        f'{HOST}z.jpg,"quoted, as it may be"\n',
        f'{HOST}z.jpg,", begins with the delimiter"\n',
        f'{HOST}z.jpg,"\nbegins with a line break"\n',
        f'{HOST}z.jpg,""\n',
        f'"{HOST}z.jpg",b\n',
        f'{HOST}z.jpg,"""said"""\n',
    ],
)
def test_a_quote_closed_by_a_later_row_swallows_no_row(closing: str) -> None:
    rows = read(f'url,signal\n{HOST}x.jpg,"noai\n' + many(20) + closing + many(20, 20))
    assert [cells[0] for cells in good(rows)] == [
        *(f"{HOST}{n}.jpg" for n in range(20)),
        f"{HOST}z.jpg",
        *(f"{HOST}{n}.jpg" for n in range(20, 40)),
    ]
    assert list(bad(rows)) == [2]


def test_a_row_within_the_quotes_of_another_is_not_taken_for_its_text() -> None:
    """The first row lost a quote; with the second it is CSV of three fields, and one claim."""
    rows = read(f'caption,signal,url\n",,{HOST}1\n,",;",{HOST}2\n', ",", key_at=2)
    assert good(rows) == [["", ",;", f"{HOST}2"]]
    assert list(bad(rows)) == [2]


def test_two_rows_that_lost_one_quote_each_are_both_named() -> None:
    """Together they are CSV of one row, whose text ends where the second's did."""
    rows = read(f'url,sha256,evidence\n{HOST}0,,"noai\n{HOST}1,,no, never"\n{HOST}2,,x\n')
    assert good(rows) == [[f"{HOST}2", "", "x"]]
    assert list(bad(rows)) == [2, 3]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_quoted_fields_of_several_lines_are_read(end: str) -> None:
    said = end.join(["one", "", "see https://art.example/terms", f"{HOST}terms", "a, b", 'x ""y""'])
    text = end.join(["url,evidence", f'{HOST}a.jpg,"{said}"', f"{HOST}b.jpg,", ""])
    rows = read(text)
    assert good(rows) == [[f"{HOST}a.jpg", said.replace('""', '"')], [f"{HOST}b.jpg", ""]]
    assert [(row.first, row.last) for row in rows] == [(2, 7), (8, 8)]


def test_column_names_may_hold_line_breaks() -> None:
    table = CsvRows(lines(f'url,"the\ncaption"\n{HOST}a.jpg,x\n'))
    assert table.header == ["url", "the\ncaption"]
    assert len(list(table.rows(makes_claim))) == 1


@pytest.mark.parametrize("quoted", ["", "\n" + many(3) + f'{HOST}z,", x"'])
def test_an_open_quote_among_the_column_names_is_refused(quoted: str) -> None:
    with pytest.raises(UnreadableInput, match="the line with the column names is not CSV"):
        read(f'url,"signal{quoted}\n')


def test_a_quoted_field_has_bounds() -> None:
    longest = "\n".join(["x"] * QUOTED_LINES)
    assert len(good(read(f'url,evidence\n{HOST}a,"{longest}"\n'))) == 1
    assert good(read(f'url,evidence\n{HOST}a,"{longest}\n"\n{HOST}b,\n')) == [[f"{HOST}b", ""]]
    wide = "\n".join(["x" * 1_000] * (QUOTED_CHARACTERS // 1_000))
    assert good(read(f'url,evidence\n{HOST}a,"{wide}"\n{HOST}b,\n')) == [[f"{HOST}b", ""]]


@pytest.mark.parametrize(
    "row",
    [
        f'{HOST}a.jpg",noai',
        f'{HOST}a.jpg,5" wide',
        f'{HOST}a.jpg,x"y"z',
        f'{HOST}a.jpg, "noai"',
        f'{HOST}a.jpg",""',
    ],
)
def test_a_quote_within_a_field_that_is_not_quoted_is_a_bad_row(row: str) -> None:
    rows = read(f"url,caption\n{many(2)}{row}\n{many(2, 2)}")
    assert [cells[0] for cells in good(rows)] == [f"{HOST}{n}.jpg" for n in range(4)]
    assert bad(rows) == {4: "not CSV: a quote inside a field that does not begin with a quote"}


def test_quotes_within_fields_between_tabs_are_text() -> None:
    rows = read(f'url\tcaption\n{HOST}a\t5" wide\n{HOST}b\tx"y"z\n{HOST}c\t"q ""z"""\n', "\t")
    assert [cells[1] for cells in good(rows)] == ['5" wide', 'x"y"z', 'q "z"']


def test_a_long_row_of_quotes_takes_no_time() -> None:
    rows = read("url,caption\n" + f"{HOST}a," + '""' * 500_000 + "x\n" + many(1))
    assert len(good(rows)) == 1


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("row", [f"{HOST}works/12", f"{HOST}works/123,a", "https:"])
def test_a_row_cut_short_makes_no_claim(row: str, end: str) -> None:
    rows = read(f"url,caption,signal\n{HOST}a,,\n{row}{end}")
    assert len(good(rows)) == 1
    assert "it may be cut short" in bad(rows)[3]


def test_a_last_line_without_an_end_is_read_if_it_has_all_fields() -> None:
    assert len(good(read(f"url,caption\n{HOST}a,\n{HOST}b,x"))) == 2


def test_a_line_that_cannot_be_read_ends_a_quoted_field() -> None:
    unreadable = CsvLine(3, UnreadableRow("not UTF-8"))
    given = [
        CsvLine(1, "url,a\n"),
        CsvLine(2, f'{HOST}1,"x\n'),
        unreadable,
        CsvLine(4, f"{HOST}2,y\n"),
    ]
    rows = list(CsvRows(given).rows(makes_claim))
    assert good(rows) == [[f"{HOST}2", "y"]]
    assert list(bad(rows)) == [2, 3]


# Values with the characters that matter, and whether each is quoted without need.
FIELDS = st.tuples(st.text(st.sampled_from('ab ,;"\n\r\t'), max_size=8), st.booleans())
TABLES = st.lists(st.tuples(FIELDS, FIELDS), min_size=1, max_size=12)
Table = list[tuple[tuple[str, bool], tuple[str, bool]]]


def written(table: Table, key_at: int) -> tuple[str, list[str], list[list[str]]]:
    """Return a header, the text of each row, and the fields of each; the URL stands at `key_at`."""
    names = ["caption", "signal"]
    names.insert(key_at, "url")
    texts, whole = [], []
    for number, cells in enumerate(table):
        row = list(cells)
        row.insert(key_at, (f"{HOST}{number}", False))
        whole.append([value for value, _ in row])
        texts.append(",".join(quoted(value, more) for value, more in row) + "\n")
    return ",".join(names) + "\n", texts, whole


def quoted(value: str, more: bool) -> str:
    needed = any(character in value for character in ',"\n\r')
    return '"' + value.replace('"', '""') + '"' if more or needed else value


@given(TABLES, st.integers(0, 2))
def test_whole_tables_are_read_whole(table: Table, key_at: int) -> None:
    header, texts, whole = written(table, key_at)
    rows = read(header + "".join(texts), ",", key_at)
    assert good(rows) == whole
    assert_every_line_is_accounted_for(rows, header + "".join(texts))


def assert_every_line_is_accounted_for(rows: list[CsvRow], text: str) -> None:
    """Each line below the header is in one row, read or reported, unless it is blank."""
    told = [number for row in rows for number in range(row.first, row.last + 1)]
    assert len(told) == len(set(told))
    blank = {line.number for line in lines(text) if not str(line.text).strip(' \t\r\n"')}
    every = {line.number for line in lines(text)} - {1}
    assert every - set(told) <= blank
    assert set(told) <= every


@given(TABLES, st.integers(0, 2), st.data())
def test_a_damaged_character_costs_the_rows_it_is_in(
    table: Table, key_at: int, data: st.DataObject
) -> None:
    header, texts, whole = written(table, key_at)
    row = data.draw(st.integers(0, len(texts) - 1), label="row")
    at = data.draw(st.integers(0, len(texts[row]) - 1), label="character")
    new = data.draw(st.sampled_from(["", '"', ",", "\n", "\r", "x", '""', "\ufffd"]), label="new")
    damaged = texts[row][:at] + new + texts[row][at + 1 :]
    # Without its end a row runs into the next one: both are damaged.
    hurt = {row, row + 1} if at == len(texts[row]) - 1 else {row}
    text = header + "".join([*texts[:row], damaged, *texts[row + 1 :]])

    rows = read(text, ",", key_at)
    assert_every_line_is_accounted_for(rows, text)
    claimed = {cells[key_at] for cells in good(rows)}
    missing = [n for n, cells in enumerate(whole) if cells[key_at] not in claimed]
    assert len(missing) <= len(hurt), (missing, rows)
