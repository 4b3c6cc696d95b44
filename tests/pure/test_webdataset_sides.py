"""Tables beside shards, as img2dataset writes them: joined by key where samples say less."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
from tar_files import JPEG, shard

from registry.datasets import open_dataset
from registry.datasets.hidden import MORE, UNREAD


def read(path):
    return [row for batch in open_dataset([str(path)]).batches() for row in batch.to_pylist()]


def side(path, **columns):
    pq.write_table(pa.table(columns), path)


def test_a_table_beside_a_shard_fills_what_samples_do_not_say(tmp_path):
    shard(tmp_path / "0.tar", ("x/1.jpg", JPEG), ("x/2.jpg", JPEG), ("x/4.jpg", JPEG))
    side(tmp_path / "0.parquet", key=["3", "2", "1"], url=["u3", "u2", "u1"], jpg=[1, 2, 3])
    shard(tmp_path / "1.tar", ("5.jpg", JPEG), ("5.json", b'{"url": "own"}'))
    shard(tmp_path / "2.tar", ("6.jpg", JPEG))
    (tmp_path / "2.parquet").write_bytes(b"PAR1 damaged")
    shard(tmp_path / "3.tar", ("7.jpg", JPEG))
    dataset = open_dataset([str(tmp_path)])
    assert dataset.left_out == ()
    rows = read(tmp_path)
    assert [row["url"] for row in rows] == ["u1", "u2", None, None, None, None]
    assert rows[2][UNREAD] == "0.parquet has no row with its key"
    assert json.loads(rows[3][MORE]) == {"json": {"url": "own"}}
    assert "2.parquet" in rows[4][UNREAD]
    assert rows[5].get(UNREAD) is None
    assert dataset.schema.names == ["__key__", "jpg", "key", "url"]


def test_a_table_beside_a_shard_adds_its_own_columns(tmp_path):
    shard(tmp_path / "0.tar", ("1.jpg", JPEG), ("1.json", b'{"url": "u1", "boxes": [[1]]}'))
    side(tmp_path / "0.parquet", key=["1"], url=["other"], phash=["ab"], boxes=[[[1.0]]])
    rows = read(tmp_path)
    assert {name: rows[0][name] for name in ("url", "phash")} == {"url": "u1", "phash": "ab"}
    assert "boxes" not in rows[0]


def test_a_table_without_keys_is_another_table(tmp_path):
    shard(tmp_path / "0.tar", ("1.jpg", JPEG))
    side(tmp_path / "0.parquet", url=["u1"])
    (left,) = open_dataset([str(tmp_path / "0.tar"), str(tmp_path)]).left_out
    assert left.reason == "metadata-left-out"


def test_a_large_table_is_a_reason(tmp_path, monkeypatch):
    monkeypatch.setattr("registry.datasets.pictures.side_tables._MOST_BYTES", 1)
    shard(tmp_path / "0.tar", ("1.jpg", JPEG))
    side(tmp_path / "0.parquet", key=["1"], url=["u1"])
    assert "too large" in read(tmp_path)[0][UNREAD]
