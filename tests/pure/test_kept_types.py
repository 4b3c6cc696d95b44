"""Kept rows of Parquet keep the types of their columns, also those that few functions know."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import registry

URLS = [f"https://{'art' if n % 3 == 0 else 'free'}.example/{n}.jpg" for n in range(30)]
COLUMNS = {
    "string_view": pa.array(URLS, pa.string_view()),
    "binary_view": pa.array([url.encode() for url in URLS], pa.binary_view()),
    "list of views": pa.array([[url, None] for url in URLS], pa.list_(pa.string_view())),
    "dictionary": pa.array(["a", "b", None] * 10).dictionary_encode(),
    "decimal": pa.array([None, *range(29)], pa.decimal128(9, 2)),
    "struct": pa.array([{"x": n, "y": [n]} for n in range(30)]),
    "map": pa.array([[("a", n)] for n in range(30)], pa.map_(pa.string(), pa.int32())),
    "time": pa.array(range(30), pa.timestamp("ms", "UTC")),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_kept_rows_are_those_of_the_file(tmp_path, art_snapshot, kind):
    table = pa.table({"url": URLS, "more": COLUMNS[kind]})
    pq.write_table(table, tmp_path / "d.parquet", row_group_size=8)
    table = pq.read_table(tmp_path / "d.parquet")
    out = tmp_path / "kept.parquet"
    registry.check(tmp_path / "d.parquet", art_snapshot, keep=["clear"], out=out)
    kept = pq.read_table(out)
    assert kept.schema == table.schema
    rows = table.to_pylist()
    assert kept.to_pylist() == [row for row in rows if "art" not in row["url"]]
