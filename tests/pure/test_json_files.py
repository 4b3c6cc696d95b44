"""Tables in JSON: shapes, rows, what cannot be read, and rows kept in the same shape."""

import bz2
import gzip
import itertools
import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.datasets import open_dataset
from registry.datasets.formats import json as json_format
from registry.datasets.hidden import MORE, RAW, ROW, UNREAD
from registry.datasets.json import columns as json_columns
from registry.datasets.json import lists as json_lists
from registry.datasets.json import stream as json_stream
from registry.datasets.json import tables as json_tables
from registry.datasets.json import writers as json_writers
from registry.datasets.units import Part
from registry.errors import UnreadableDataset, UsageError

URLS = [f"https://a.example/{n}.jpg" for n in range(7)]
ROWS = [{"url": url, "text": f'é "x" \\ [{n}, {{'} for n, url in enumerate(URLS)]
SHAPES = {
    "array": ROWS,
    "objects": {f'"{n}\\": {{.png': row for n, row in enumerate(ROWS)},
    "images": {
        "info": {"images": [{}]},
        "images": [{"id": n, **row} for n, row in enumerate(ROWS)],
        "annotations": [{"image_id": n % 7, "text": "]"} for n in range(14)],
    },
    "lists": {"url": URLS, "n": [*range(7)], "boxes": [[["]"], ["x", "y"]]] * 7, "version": "1,]"},
}
SHAPES["images_last"] = dict(reversed(SHAPES["images"].items()))
LAYOUTS = [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False, "indent": "\t"}]


def written(path, value, **layout):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, **layout))
    return path


def rows_of(path, columns=None, parts=None):
    chunks = open_dataset([str(path)]).chunks(columns, parts)
    return [row for chunk in chunks for row in chunk.batch.to_pylist()]


def kept(path, out, keep):
    """Write the rows whose URLs `keep` takes, as a check does."""
    dataset = open_dataset([str(path)])
    writer = dataset.keeper(out)
    for chunk in dataset.chunks(["url", *dataset.needed]):
        mask = [keep(url) for url in chunk.batch.column("url").to_pylist()]
        writer.write(chunk.batch.filter(pa.array(mask, pa.bool_())), chunk.table)
    writer.close()
    return out


@pytest.mark.parametrize("size", [5, 64, 1 << 20])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_each_shape(tmp_path, monkeypatch, shape, layout, size):
    monkeypatch.setattr(json_tables, "BLOCK", size)
    monkeypatch.setattr(json_lists, "BLOCK", size)
    path = written(tmp_path / "a.json", SHAPES[shape], **layout)
    dataset = open_dataset([str(path)])
    assert dataset.format == "json"
    expected = [{"url": url} for url in URLS]
    assert rows_of(path, ["url"]) == expected
    assert [row[ROW] for row in rows_of(path, [ROW])] == [*range(7)]
    for first in range(8):
        assert rows_of(path, ["url"], [Part(0, first)]) == expected[first:]


def test_columns_of_each_shape(tmp_path):
    columns = {
        "array": {"url": "string", "text": "string"},
        "objects": {"key": "string", "url": "string", "text": "string"},
        "images": {"id": "int64", "url": "string", "text": "string"},
        "lists": {"url": "string", "n": "int64"},
    }
    for shape, types in columns.items():
        value = SHAPES[shape]
        if shape == "lists":
            value = {name: value[name] for name in types}
        path = written(tmp_path / f"{shape}.json", value)
        schema = open_dataset([str(path)]).schema
        assert {field.name: str(field.type) for field in schema} == types
    assert [row["key"] for row in rows_of(tmp_path / "objects.json")] == [*SHAPES["objects"]]


@pytest.mark.parametrize("size", [5, 64, 1 << 20])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_array_of_urls_has_a_column_without_a_name(tmp_path, monkeypatch, layout, size):
    monkeypatch.setattr(json_tables, "BLOCK", size)
    path = written(tmp_path / "a.json", URLS, **layout)
    assert rows_of(path) == [{"column_1": url} for url in URLS]
    dataset = open_dataset([str(path)])
    writer = dataset.keeper(tmp_path / "b.json")
    for chunk in dataset.chunks(dataset.needed):
        writer.write(chunk.batch, chunk.table)
    writer.close()
    assert (tmp_path / "b.json").read_bytes() == path.read_bytes()


def test_an_array_of_urls_with_other_values(tmp_path):
    others = ["null", "7", '["https://a.example/8.jpg"]', "x", '"a":1']
    (tmp_path / "a.json").write_text(f'["{URLS[0]}", {", ".join(others)}, "')
    rows = rows_of(tmp_path / "a.json", ["column_1"])
    assert [row["column_1"] for row in rows] == [URLS[0], *[None] * 6]
    assert [json.loads(row.get(MORE) or "null") for row in rows] == [
        *(None, None, {"column_1": 7}, {"column_1": ["https://a.example/8.jpg"]}, *[None] * 3),
    ]
    assert ["not JSON" in (row.get(UNREAD) or "") for row in rows] == [False] * 4 + [True] * 2 + [
        False
    ]
    assert "cut off" in rows[-1][UNREAD]


def test_a_field_named_key_keeps_its_name(tmp_path):
    path = written(tmp_path / "a.json", {n: {"key": URLS[0], "_key": n} for n in "ab"})
    assert rows_of(path) == [{"__key": n, "key": URLS[0], "_key": n} for n in "ab"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
@pytest.mark.parametrize("shape", SHAPES)
def test_compressed_files(tmp_path, shape, pack):
    path = tmp_path / "a.json.gz"
    path.write_bytes(pack(json.dumps(SHAPES[shape]).encode()))
    assert [row["url"] for row in rows_of(path)] == URLS
    kept(path, tmp_path / "b.json.gz", lambda url: url != URLS[3])
    left = json.loads(gzip.decompress((tmp_path / "b.json.gz").read_bytes()))
    assert URLS[2] in json.dumps(left)
    assert URLS[3] not in json.dumps(left)


def filtered(shape, keep):
    """Return what is kept of a shape."""
    value = SHAPES[shape]
    if shape == "array":
        return [*itertools.compress(value, keep)]
    if shape == "objects":
        return dict(itertools.compress(value.items(), keep))
    if shape == "lists":
        return {
            name: [*itertools.compress(values, keep)] if isinstance(values, list) else values
            for name, values in value.items()
        }
    annotations = [row for row in value["annotations"] if keep[row["image_id"]]]
    images = [*itertools.compress(value["images"], keep)]
    return {**value, "images": images, "annotations": annotations}


@settings(max_examples=40)
@given(
    st.sampled_from([*SHAPES]),
    st.lists(st.booleans(), min_size=7, max_size=7),
    st.sampled_from(LAYOUTS),
    st.sampled_from([13, 64, 1 << 20]),
)
def test_kept_rows_have_the_shape_of_their_file(tmp_path_factory, shape, keep, layout, size):
    folder = tmp_path_factory.mktemp("kept")
    path = written(folder / "a.json", SHAPES[shape], **layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_tables, "BLOCK", size)
        patch.setattr(json_writers, "BLOCK", size)
        out = kept(path, folder / "b.json", lambda url: keep[URLS.index(url)])
    assert json.loads(out.read_bytes()) == filtered(shape, keep)
    assert [*json.loads(out.read_bytes())] == [*filtered(shape, keep)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_that_is_kept_whole_stays_as_it_is(tmp_path, shape, layout):
    path = written(tmp_path / "a.json", SHAPES[shape], **layout)
    assert kept(path, tmp_path / "b.json", bool).read_bytes() == path.read_bytes()


def test_elements_are_kept_byte_by_byte(tmp_path):
    elements = [f'{{"url" :"{url}","n":{n}.00,  "e":"\\u00e9"\n}}' for n, url in enumerate(URLS)]
    path = tmp_path / "a.json"
    path.write_text("\ufeff [ " + " ,\n ".join(elements) + "]\n")
    out = kept(path, tmp_path / "b.json", lambda url: url in URLS[2:4])
    assert out.read_text() == f"[ {elements[2]} ,\n {elements[3]}]"
    assert [row[RAW].decode() for row in rows_of(path, [RAW])] == elements


def test_annotations_without_identifiers_remain(tmp_path):
    value = {"images": [{"url": url} for url in URLS], "annotations": [{"image_id": 1}, 5, {}]}
    path = written(tmp_path / "a.json", value)
    out = kept(path, tmp_path / "b.json", lambda url: url == URLS[1])
    assert json.loads(out.read_text()) == {
        "images": [{"url": URLS[1]}],
        "annotations": [{"image_id": 1}, 5, {}],
    }


BAD = {
    "number": ("5", "not a JSON object"),
    "null": ("null", "not a JSON object"),
    "array": ("[{}]", "not a JSON object"),
    "text": ('"{"', "not a JSON object"),
    "no value": ('{"url": }', "not JSON"),
    "two": ('{"url": "x"} {"url": "y"}', "not JSON"),
    "nothing": (" ", "not JSON"),
    "line end": ('{"url": "a\nb"}', "not JSON"),
    "deep": ('{"url": ' + "[" * 5000 + "]" * 5000 + "}", "nested too deeply"),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("shape", ["array", "objects", "images"])
def test_an_element_that_cannot_be_read_is_a_row(tmp_path, shape, bad):
    content, why = BAD[bad]
    elements = [json.dumps(row) for row in ROWS] * 4
    elements[22] = content
    text = ",".join(elements)
    if shape == "images":
        text = '{"images": [' + text + "]}"
    elif shape == "objects":
        text = "{" + ",".join(f'"{n}": {element}' for n, element in enumerate(elements)) + "}"
    else:
        text = f"[{text}]"
    (tmp_path / "a.json").write_bytes(text.encode())
    rows = rows_of(tmp_path / "a.json", ["url"])
    assert [row["url"] for row in rows] == [None if n == 22 else URLS[n % 7] for n in range(28)]
    assert [n for n, row in enumerate(rows) if row[UNREAD]] == [22]
    assert why in rows[22][UNREAD]


def test_an_element_that_is_too_long_is_a_row(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "LONGEST_ROW", 1000)
    for size in (10, 100, 700):
        monkeypatch.setattr(json_tables, "BLOCK", size)
        long = [ROWS[0], {"url": "[" * 5000}, ROWS[1], {"url": '"\\' * 3000}]
        path = written(tmp_path / "a.json", long)
        rows = rows_of(path, ["url", RAW])
        assert [row["url"] for row in rows] == [URLS[0], None, URLS[1], None]
        assert "longer than" in rows[1][UNREAD]
        assert [bool(row[RAW]) for row in rows] == [True, False, True, False]


@settings(max_examples=40)
@given(st.sampled_from([*SHAPES]), st.integers(30, 10_000), st.sampled_from([13, 64, 1 << 20]))
def test_what_is_cut_off_is_a_row(tmp_path_factory, shape, size, block):
    folder = tmp_path_factory.mktemp("cut")
    text = json.dumps(SHAPES[shape])
    size = 30 + size % (len(text) - 30)
    (folder / "a.json").write_text(text[:size])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_tables, "BLOCK", block)
        try:
            rows = rows_of(folder / "a.json", ["url"])
            if shape != "objects":
                out = kept(folder / "a.json", folder / "b.json", lambda url: url == URLS[1])
                assert URLS[2] not in out.read_text()
        except UnreadableDataset:
            return
    read = [row["url"] for row in rows if not row.get(UNREAD)]
    assert read == URLS[: len(read)]
    assert [row[UNREAD] for row in rows if row.get(UNREAD)] == ["the file is cut off here"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[{"url": "x"}] [{"url": "y"}]', "goes on"),
        ('[{"url": "x"}]]', "goes on"),
        ('{"images": [{"url": "x"}], "images": [{"url": "y"}]}', "second list"),
        ('{"images": [{"url": "x"}], "a": ', "cut off"),
        ('{"images": [{"url": "x"}], a}', "not JSON"),
        ('{"images": [{"url": "x"}]} 5', "goes on"),
    ],
)
def test_what_follows_the_rows_is_not_passed_over(tmp_path, monkeypatch, text, why):
    monkeypatch.setattr(json_format, "_HEAD", 20)
    (tmp_path / "a.json").write_text(text)
    first, second = rows_of(tmp_path / "a.json", ["url"])
    assert first["url"] == "x"
    assert why in second[UNREAD]


def test_later_fields_and_other_types_are_kept_as_json(tmp_path, monkeypatch):
    monkeypatch.setattr(json_tables, "_SAMPLE", 60)
    path = written(tmp_path / "a.json", [*ROWS, {"url": 5}, {"url": "x", "more": [URLS[0]]}])
    rows = rows_of(path, ["url"])
    assert [row[MORE] for row in rows[-2:]] == ['{"url": 5}', f'{{"more": ["{URLS[0]}"]}}']


def test_json_lines_are_another_format(tmp_path):
    lines = "\n".join(map(json.dumps, ROWS))
    for name in ("a.jsonl", "a.json"):
        (tmp_path / name).write_text(lines)
        assert open_dataset([str(tmp_path / name)]).format == "jsonl"
    written(tmp_path / "b.jsonl", ROWS)
    assert json_format.sureness(tmp_path / "b.jsonl") == 0


def test_kept_rows_of_several_files(tmp_path):
    for name in ("x/a.json", "b.json"):
        written(tmp_path / "data" / name, ROWS)
    (tmp_path / "data/c.json").write_text("")
    out = kept(tmp_path / "data", tmp_path / "kept", lambda url: url == URLS[2])
    files = {str(p.relative_to(out)): json.loads(p.read_text()) for p in out.rglob("*.json")}
    assert files == {"x/a.json": [ROWS[2]], "b.json": [ROWS[2]]}
    kept(tmp_path / "data", tmp_path / "one.json", lambda url: url == URLS[2])
    assert json.loads((tmp_path / "one.json").read_text()) == [ROWS[2], ROWS[2]]
    written(tmp_path / "data/d.json", SHAPES["lists"])
    dataset = open_dataset([str(tmp_path / "data")])
    with pytest.raises(UsageError, match="only arrays"):
        dataset.keeper(tmp_path / "two.json")
    with pytest.raises(UsageError, match="as in the dataset"):
        open_dataset([str(tmp_path / "data/d.json")]).keeper(tmp_path / "two.csv")


def test_lists_that_do_not_fit(tmp_path, monkeypatch):
    value = {"a": [], "url": URLS, "few": [1, 2], "also": ["x"] * 7}
    path = written(tmp_path / "a.json", value)
    dataset = open_dataset([str(path)])
    assert (dataset.schema.names, dataset.rows) == (["url", "also"], 7)
    out = kept(path, tmp_path / "b.json", lambda url: url == URLS[1])
    expected = {"a": [], "url": [URLS[1]], "few": [1, 2], "also": ["x"]}
    assert json.loads(out.read_text()) == expected
    for text in (
        '{"u": ["https://a"], "u": ["https://b"]}',
        '{"u": ["https://a"], "v": ["x"',
        "{]",
    ):
        path.write_text(text)
        with pytest.raises(UnreadableDataset) as caught:
            open_dataset([str(path)])
        assert caught.value.hint
    written(path, value)
    monkeypatch.setattr(json_lists, "WHOLE", 100)
    with pytest.raises(UnreadableDataset, match="not read") as caught:
        open_dataset([str(path)])
    assert "JSON lines" in caught.value.hint


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", ["array", "objects", "images"])
def test_ordinary_elements_are_not_read_one_by_one(tmp_path, monkeypatch, shape, layout):
    def refuse(rows, schema):
        raise AssertionError("the slow way was taken")

    monkeypatch.setattr(json_columns, "one_by_one", refuse)
    monkeypatch.setattr(json_tables, "BLOCK", 150)
    path = written(tmp_path / "a.json", SHAPES[shape], **layout)
    assert [row["url"] for row in rows_of(path, ["url"])] == URLS


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize("place", [0, 1, 30])
def test_rows_that_are_too_deep_for_arrow(tmp_path, name, place):
    rows = [json.dumps(row) for row in ROWS * 5]
    rows[place] = '{"url": "x", "more": ' + '{"a": [' * 100_000 + "]}" * 100_000 + "}"
    text = "[" + ",\n".join(rows) + "]" if name == "a.json" else "\n".join(rows)
    (tmp_path / name).write_text(text)
    read = rows_of(tmp_path / name, ["url"])
    assert [n for n, row in enumerate(read) if row.get(UNREAD) == "nested too deeply"] == [place]
    assert [row["url"] for row in read[31:]] == [row["url"] for row in (ROWS * 5)[31:]]
