"""Rows of CSV and JSON lines: whatever the block, the same rows, and every byte of them."""

import csv
import io
import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.datasets import open_dataset
from registry.datasets.formats import csv as csv_format
from registry.datasets.formats import jsonl as jsonl_format
from registry.datasets.hidden import MORE, RAW, UNREAD
from registry.datasets.json.rows import MOST_LEAVES, leaves
from registry.datasets.text import line_blocks
from registry.datasets.text.csv_form import Form, form_of, names_of
from registry.datasets.text.csv_rows import NOT_CLOSED, in_columns, rows_of
from registry.errors import UnreadableDataset

CELL = st.text(st.sampled_from('ab,"\n\t;é 1'), max_size=6).filter(lambda text: "\r" not in text)
TABLE = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=12)
)


def csv_text(rows, separator=",", **dialect):
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n", **dialect).writerows(rows)
    return text.getvalue().encode()


def in_blocks(data, form, width, size):
    """Return the values, reasons and bytes of rows read in blocks of some size."""
    names = [f"c{place}" for place in range(width)]
    file, rest, rows, raw = io.BytesIO(data), b"", [], []
    while block := file.read(size):
        block = rest + block
        part = rows_of(block, form, width, is_last=False)
        rows += in_columns(block, part, names, form).to_pylist()
        raw += [block[s:e] for s, e in zip(part.starts, part.ends, strict=True)]
        rest = block[part.used :]
    part = rows_of(rest, form, width, is_last=True)
    rows += in_columns(rest, part, names, form).to_pylist()
    raw += [rest[s:e] for s, e in zip(part.starts, part.ends, strict=True)]
    return [without_nulls(row, names) for row in rows], raw


def without_nulls(row, names):
    return {name: value for name, value in row.items() if value is not None or name in names}


@given(TABLE, st.sampled_from(",\t;"), st.sampled_from(["minimal", "all"]), st.integers(1, 40))
def test_rows_are_those_that_were_written(rows, separator, quoting, size):
    kinds = {"minimal": csv.QUOTE_MINIMAL, "all": csv.QUOTE_ALL}
    data = csv_text(rows, separator, quoting=kinds[quoting])
    read, raw = in_blocks(data, Form(separator.encode()), len(rows[0]), size)
    assert [list(row.values())[: len(rows[0])] for row in read] == rows
    assert b"".join(raw) == data
    assert not any(row.get(UNREAD) for row in read)


BYTES = st.text(st.sampled_from('a",\n\\'), max_size=80).map(str.encode)


@given(BYTES)
def test_every_byte_is_in_a_row(data):
    for form in (Form(), Form(escaped=True), Form(b"\t", quoted=False)):
        whole, raw = in_blocks(data, form, 2, 100)
        assert b"".join(raw).replace(b"\n", b"") == data.replace(b"\n", b"")
        for size in (1, 7):
            in_parts, raw_parts = in_blocks(data, form, 2, size)
            assert (in_parts, raw_parts) == (whole, raw)


def read(data):
    return in_blocks(data, Form(), 2, 1 << 20)[0]


def test_a_quote_within_a_field_is_text():
    assert read(b'a,5" pipe\nb,c\n') == [{"c0": "a", "c1": '5" pipe'}, {"c0": "b", "c1": "c"}]


def test_a_quote_that_is_never_closed_costs_one_row():
    first, *rest = read(b'a,"b\nc,d\ne,f\n')
    assert first[UNREAD] == NOT_CLOSED
    assert [(row["c0"], row["c1"]) for row in rest] == [("c", "d"), ("e", "f")]


def test_a_row_with_more_values_keeps_them_and_is_not_relied_on():
    ok, more, fewer = read(b"a,b\na,b,https://x.example/1.jpg\na\n")
    assert ok.get(UNREAD) is None
    assert json.loads(more[MORE]) == ["https://x.example/1.jpg"]
    assert "3" in more[UNREAD]
    assert "1" in fewer[UNREAD]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("a,b\n1,2\n", Form(b",")),
        ("a;b\n1,5;2\n", Form(b";")),
        ("a\tb\nx, y\tz\n", Form(b"\t", quoted=False)),
        ('a\tb\n"x\ty"\tz\n"p"\tq\n', Form(b"\t")),
        ('a\tb\n"5 inch\tz\nx\ty\nx\ty\n', Form(b"\t", quoted=False)),
        ('a,b\n"he said \\"hi, you\\"",2\n"\\"",2\n', Form(b",", escaped=True)),
        ("a|b\n1|2\n", Form(b"|")),
        ("one\ntwo\n", Form(b",")),
        # The last line was cut off.
        ("a\tb\n1\t2\n1\t2\n1", Form(b"\t", quoted=False)),
    ],
)
def test_form_is_found(text, form):
    assert form_of(text.encode(), prefers_tabs=False) == form


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["url", "text"], ["url", "text"]),
        (["", "url"], ["column_1", "url"]),
        (["url", "url", "url_2"], ["url", "url_2", "url_2_2"]),
        (["https://a.example/1.jpg", "cat"], None),
        (["cat", "https://a.example/1.jpg"], None),
        (["0001.jpg", "cat"], None),
        (["12", "cat"], None),
        (["c9b6a7d8469c1959", "cat"], None),
        (["", ""], None),
        (["a" * 100, "b"], None),
    ],
)
def test_names_of_columns_are_told_from_values(cells, names):
    assert names_of([cell.encode() for cell in cells]) == names


def whole(format_, path, columns=None):
    dataset = format_.open_files([path], "x")
    batches = list(dataset.batches(columns))
    return [row for batch in batches for row in batch.to_pylist()], batches


PLAIN = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5)
VALUE = st.recursive(
    PLAIN | st.floats(-9, 9),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=4,
)
ROW = st.dictionaries(st.sampled_from(["url", "x", "é"]), VALUE)


@given(st.lists(ROW, max_size=8), st.integers(8, 99))
def test_json_values_are_in_their_column_or_in_more(tmp_path_factory, rows, size):
    rows = [{"url": "https://a.example/1.jpg"}, *rows]
    path = tmp_path_factory.mktemp("json") / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_blocks.line_blocks, "__defaults__", (size,))
        read, _ = whole(jsonl_format, path)
    assert len(read) == len(rows)
    for given_row, row in zip(rows, read, strict=True):
        more = json.loads(row.get(MORE) or "{}")
        assert row.get(UNREAD) is None
        for name, value in given_row.items():
            held = row.get(name)
            assert value is None or name in more or _same(held, value), (name, value, row)


def _same(held, value):
    """Return whether a column holds a value; members that are null are the same as none."""
    if isinstance(value, dict) and isinstance(held, dict):
        names = {*held, *value}
        return all(_same(held.get(name), value.get(name)) for name in names)
    if isinstance(value, list) and isinstance(held, list):
        return len(held) == len(value) and all(map(_same, held, value))
    return held == value


def test_leaves_of_json_are_columns():
    rows = pa.array(['{"a": ["x", 1, null, true], "b": {"c": "y"}}', None, '["z"]'])
    assert [column.to_pylist() for column in leaves(rows)] == [
        ["x", None, "z"],
        ["1", None, None],
        ["y", None, None],
    ]
    (*columns, rest) = leaves(pa.array([json.dumps(list("a" * MOST_LEAVES + "bc"))]))
    assert len(columns) == MOST_LEAVES
    assert json.loads(rest[0].as_py()) == ["b", "c"]


@pytest.mark.parametrize("format_", [csv_format, jsonl_format])
def test_a_row_that_is_too_long_is_one_unread_row(format_, tmp_path, monkeypatch):
    for module in (line_blocks, csv_format):
        monkeypatch.setattr(module, "LONGEST_ROW", 1000)
    monkeypatch.setattr(csv_format, "BLOCK", 300)
    monkeypatch.setattr(line_blocks.line_blocks, "__defaults__", (300,))
    short, long = "https://a.example/1.jpg,x", "https://a.example/2.jpg," + "y" * 5000
    if format_ is jsonl_format:
        short, long = (json.dumps({"url": text}) for text in ("x", "y" * 5000))
    path = tmp_path / "a"
    path.write_text("\n".join([short] * 30 + [long] + [short] * 30))
    read, _ = whole(format_, path)
    assert len(read) == 61
    assert [place for place, row in enumerate(read) if row.get(UNREAD)] == [30]
    kept, _ = whole(format_, path, [RAW])
    assert b"".join(row[RAW] for row in kept).count(short.encode()) == 60


def test_a_nul_in_a_row_is_no_reason_to_refuse_the_file(tmp_path):
    rows = [f"https://a.example/{n}.jpg,{n}" for n in range(20)]
    rows[3] += "\0"
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["url,n", *rows]))
    found = [row for batch in open_dataset([str(path)]).batches() for row in batch.to_pylist()]
    assert [row["url"] for row in found] == [row.partition(",")[0] for row in rows]
    for data in (b"u\0rl,n\nhttps://a.example/1.jpg,1", "url\nx\n".encode("utf-16-le")):
        path.write_bytes(data)
        with pytest.raises(UnreadableDataset, match="not a text in UTF-8"):
            open_dataset([str(path)])


def with_captions(folder, name, captions, separator):
    lines = [
        f"{captions.get(n, f'cap {n}')}{separator}https://a.example/{n}.jpg" for n in range(400)
    ]
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("name", ["a.tsv", "a.csv"])
@pytest.mark.parametrize("second", ['"Bye" he said', 'it is 5"', 'it is 5" tall'])
@pytest.mark.parametrize("at", [(3, 9), (3, 4), (100, 110)])
def test_quotes_that_are_plain_text_join_no_rows(tmp_path, name, second, at):
    separator = "\t" if name == "a.tsv" else ","
    path = with_captions(tmp_path, name, {at[0]: '"Hello', at[1]: second}, separator)
    rows = [row for batch in open_dataset([str(path)]).batches() for row in batch.to_pylist()]
    assert len(rows) == 400
    unread = [n for n, row in enumerate(rows) if row.get(UNREAD)]
    # Of a file with commas a quote is none of the text; its line is named, and the others are read.
    assert set(unread) <= (set() if name == "a.tsv" else set(at))
    assert all(
        n in unread or row["column_2"] == f"https://a.example/{n}.jpg" for n, row in enumerate(rows)
    )


def test_quoted_values_of_several_lines_are_one_value(tmp_path):
    path = tmp_path / "a.csv"
    text = "Hello, world\nhttps://b.example, and so on\nbye"
    with path.open("w", newline="") as file:
        rows = [[text, f"https://a.example/{n}.jpg"] for n in range(20)]
        csv.writer(file).writerows([["caption", "url"], *rows])
    found = [row for batch in open_dataset([str(path)]).batches() for row in batch.to_pylist()]
    assert [[row["caption"], row["url"]] for row in found] == rows


@pytest.mark.parametrize("line", ["https://a.example/{}.jpg", "{:064x}", "{:032X}", "{:016x}"])
def test_lists_of_keys_are_recognised_by_their_lines(tmp_path, line):
    (tmp_path / "a.txt").write_text("\n".join(line.format(n) for n in range(9)))
    rows = [
        row
        for batch in open_dataset([str(tmp_path / "a.txt")]).batches()
        for row in batch.to_pylist()
    ]
    assert rows == [{"column_1": line.format(n)} for n in range(9)]
    lines = [line.format(n) for n in range(9)]
    (tmp_path / "empty.txt").write_text("\n\n" + "\r\n\r\n\n".join(lines) + "\n\n")
    rows = [
        r
        for batch in open_dataset([str(tmp_path / "empty.txt")]).batches()
        for r in batch.to_pylist()
    ]
    assert rows == [{"column_1": text} for text in lines]
    (tmp_path / "b.txt").write_text("\n".join(f"see {line.format(n)}" for n in range(9)))
    with pytest.raises(UnreadableDataset, match="no format"):
        open_dataset([str(tmp_path / "b.txt")])
