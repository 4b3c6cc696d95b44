"""Subsets of DataComp: which rows they name, what the metadata lacks, and kept rows as subsets."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layout_parts import RESERVED, ROWS, URL, parquet, registry_of_works
from picture_folders import kept

from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.datasets.hidden import UNREAD
from registry.datasets.npy import writer as uid_writer
from registry.datasets.npy.uids import found, in_order, is_sorted, uids_of
from registry.errors import UnreadableDataset, UsageError

# The example of DataComp's README, and identifiers whose halves are small, equal or large.
README = ["139e4a9b22a614771f06c700a8ebe150", "6e356964a967af455c8016b75d691203"]
UIDS = [*README, "0" * 32, "0" * 31 + "1", "0" * 15 + "1" + "0" * 16, "f" * 32, "f" * 16 + "0" * 16]
SOME = st.lists(st.sampled_from(UIDS), max_size=12)


def array(uids: list[str]) -> np.ndarray:
    """Return a subset as DataComp's README makes it."""
    halves = [(int(uid[:16], 16), int(uid[16:32], 16)) for uid in uids]
    made = np.array(halves, np.dtype("u8,u8"))
    made.sort()
    return made


def texts(uids: np.ndarray) -> list[str]:
    return [f"{high:016x}{low:016x}" for high, low in uids.tolist()]


def subset(path: Path, uids: list[str]) -> Path:
    np.save(path, array(uids))
    return path


def metadata(folder: Path, kind: str, uids: list[str | None]) -> Path:
    path = folder / f"metadata.{kind}"
    rows = [{"uid": uid, "url": f"https://a.example/{n}.jpg"} for n, uid in enumerate(uids)]
    if kind == "parquet":
        schema = pa.schema([("uid", pa.string()), ("url", pa.string())])
        pq.write_table(pa.Table.from_pylist(rows, schema), path, row_group_size=3)
    elif kind == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        path.write_text("\n".join(["uid,url", *(f"{r['uid'] or ''},{r['url']}" for r in rows)]))
    return path


def rows_of(*paths: Path, columns=None) -> list[dict[str, object]]:
    dataset = open_dataset([str(path) for path in paths])
    return [row for chunk in dataset.chunks(columns) for row in chunk.batch.to_pylist()]


def test_an_identifier_is_two_numbers():
    values, valid = uids_of(pa.array([README[0].upper(), None, "139e", "g" * 32, *README]))
    assert valid.tolist() == [True, False, False, False, True, True]
    assert texts(values) == [README[0], *README]
    assert values.dtype == np.dtype("u8,u8")


@given(SOME, SOME)
def test_identifiers_are_found(within, uids):
    column = pa.array(uids, pa.string()).dictionary_encode()
    places, counts = found(array(within), uids_of(column).values)
    assert counts.tolist() == [within.count(uid) for uid in uids]
    ordered = sorted(within)
    assert [texts(array(within))[p] for p, n in zip(places, counts, strict=True) if n] == [
        uid for uid in uids if uid in ordered
    ]
    assert texts(in_order(uids_of(column).values)) == sorted(set(uids))
    assert is_sorted(uids_of(pa.array(within, pa.string())).values) == (within == ordered)


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
@given(uids=SOME.filter(len), named=SOME)
def test_the_rows_are_those_that_the_subset_names(tmp_path_factory, kind, uids, named):
    folder = tmp_path_factory.mktemp("rows")
    path, small = metadata(folder, kind, uids), subset(folder / "subset.npy", named)
    rows = rows_of(path, small)
    missing = len(set(named) - set(uids))
    assert [row["uid"] for row in rows if row["uid"]] == [uid for uid in uids if uid in named]
    reasons = [row[UNREAD] for row in rows if row.get(UNREAD)]
    assert reasons == [f"samples of subset.npy that are not here: {missing}"][: bool(missing)]
    # The other columns alone, and the last row alone, are the same.
    urls = [row["url"] for row in rows]
    assert [row["url"] for row in rows_of(path, small, columns=["url"])] == urls
    dataset = open_dataset([str(small), str(path)])
    (last,) = dataset.parts()[1:]
    assert [row[UNREAD] for c in dataset.chunks(None, [last]) for row in c.batch.to_pylist()] == (
        reasons
    )


def test_rows_without_an_identifier_are_not_left_out(tmp_path):
    path = metadata(tmp_path, "parquet", [README[0], None, README[0][1:], README[1]])
    rows = rows_of(path, subset(tmp_path / "s.npy", README[:1]))
    assert [row.get(UNREAD) for row in rows] == [
        None,
        *["its uid is not 32 hexadecimal digits"] * 2,
    ]


def test_rows_that_cannot_be_read_are_not_left_out(tmp_path):
    (tmp_path / "a.csv").write_text(f"uid,url\n{README[0]},u1\n{README[1]},u2,u3\n")
    rows = rows_of(tmp_path / "a.csv", subset(tmp_path / "s.npy", README[:1]))
    assert [row["url"] for row in rows] == ["u1", "u2"]
    assert "its values do not fit" in str(rows[1][UNREAD])


def test_a_table_without_identifiers_among_others(tmp_path):
    metadata(tmp_path, "parquet", README)
    parquet(tmp_path / "other.parquet", url=["u"])
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    rows = rows_of(tmp_path, subset(tmp_path.parent / f"{tmp_path.name}.npy", README[:1]))
    assert [bool(row.get(UNREAD)) for row in rows] == [True, False, True]


def refused(error: type, *paths: Path) -> str:
    with pytest.raises(error) as caught:
        rows_of(*paths)
    assert caught.value.hint
    return f"{caught.value.message} {caught.value.hint}"


def test_what_is_no_subset_or_has_no_metadata(tmp_path):
    path, small = metadata(tmp_path, "csv", README), subset(tmp_path / "s.npy", README)
    assert "together with the metadata" in refused(UnreadableDataset, small)
    assert "more than one subset" in refused(UsageError, small, path, small)
    np.save(tmp_path / "x.npy", np.zeros((5, 3), np.float32))
    assert "array of float32" in refused(UnreadableDataset, path, tmp_path / "x.npy")
    np.save(tmp_path / "x.npy", array(README)[::-1])
    assert "is not sorted" in refused(UnreadableDataset, path, tmp_path / "x.npy")
    small.write_bytes(small.read_bytes()[:-8])
    assert "get it again" in refused(UnreadableDataset, path, small)
    small.write_bytes(b"\x93NUMPY\x01\x00\x76\x00{'descr': __import__('os')}")
    assert "get it again" in refused(UnreadableDataset, path, small)
    (tmp_path / "u.csv").write_text("url\nhttps://a.example\n")
    assert "no column uid" in refused(UnreadableDataset, tmp_path / "u.csv", subset(small, README))


def test_order_is_looked_at_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("registry.datasets.npy.subset._BLOCK", 2)
    path = metadata(tmp_path, "csv", UIDS)
    assert len(rows_of(path, subset(tmp_path / "s.npy", [*UIDS, *UIDS]))) == len(UIDS)
    for place in range(1, len(UIDS)):
        uids = array(UIDS)
        uids[[place - 1, place]] = uids[[place, place - 1]]
        np.save(tmp_path / "x.npy", uids)
        assert "is not sorted" in refused(UnreadableDataset, path, tmp_path / "x.npy")


@given(SOME.filter(len), st.one_of(st.none(), SOME), st.integers(1, 100), st.data())
def test_kept_rows_are_a_subset(tmp_path_factory, uids, named, run, data):
    folder = tmp_path_factory.mktemp("kept")
    path = metadata(folder, data.draw(st.sampled_from(["csv", "parquet", "jsonl"])), uids)
    paths = [path] if named is None else [path, subset(folder / "s.npy", named)]
    keep = data.draw(st.sets(st.sampled_from(UIDS)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uid_writer, "RUN_BYTES", run)
        dataset = open_dataset([str(path) for path in paths])
        kept(dataset, folder / "out.npy", lambda row: row["uid"] in keep)
    written = np.load(folder / "out.npy", mmap_mode="r" if keep & {*uids} and not named else None)
    # Each sample once, or as often as the subset names it.
    expected = sorted(set(uids)) if named is None else sorted(u for u in named if u in uids)
    assert texts(written) == [uid for uid in expected if uid in keep]
    assert written.dtype == np.dtype("u8,u8")
    assert {path.name for path in folder.iterdir()} == {"out.npy", *(path.name for path in paths)}


def test_other_kept_rows_are_those_of_the_metadata(tmp_path):
    path, small = metadata(tmp_path, "csv", UIDS), subset(tmp_path / "s.npy", [*README, "a" * 32])
    dataset = open_dataset([str(path), str(small)])
    for out in (small, path):
        with pytest.raises(UsageError, match="part of the dataset"):
            dataset.keeper(out)
    kept(dataset, tmp_path / "out.csv", lambda row: row["uid"] == README[1])
    line = f"{README[1]},https://a.example/1.jpg"
    assert (tmp_path / "out.csv").read_text() == f"uid,url\n{line}\n"


def test_a_subset_needs_identifiers(tmp_path):
    parquet(tmp_path / "a.parquet", url=["u"])
    with pytest.raises(UsageError, match="no column uid"):
        open_dataset([str(tmp_path / "a.parquet")]).keeper(tmp_path / "out.npy")
    dataset = open_dataset([str(metadata(tmp_path, "csv", [README[0], "x"]))])
    with pytest.raises(UnreadableDataset, match="not 32 hexadecimal digits"):
        kept(dataset, tmp_path / "out.npy", lambda row: True)
    with pytest.raises(UsageError, match="rows are written as Parquet"):
        dataset.writer(tmp_path / "out.npy", dataset.schema)


def test_a_check_of_a_subset(tmp_path):
    uids = [hashlib.md5(bytes([number])).hexdigest() for number in range(ROWS)]
    path = parquet(tmp_path / "metadata/00000.parquet", uid=uids, url=URL, text=uids)
    named = [uids[number] for number in (*RESERVED[:3], 0, 2, 3, 4)]
    snapshot = registry_of_works(tmp_path)
    for more, code in (([], 1), (["0" * 32, "1" * 32], 1)):
        small = subset(tmp_path / "s.npy", [*named, *more])
        dataset = open_dataset([str(path.parent), str(small)])
        options = CheckOptions(out=tmp_path / "out.npy", keep=["clear"])
        report = check(dataset, snapshot, plan(dataset), options)
        assert report.exit_code == code
        assert dict(report.tally.outcomes) == {
            "reserved": 3,
            "clear": 4,
            **({"unchecked": 1} if more else {}),
        }
        assert dict(report.tally.unchecked) == ({"row-not-read": 1} if more else {})
        assert texts(np.load(tmp_path / "out.npy")) == sorted(named[3:])
