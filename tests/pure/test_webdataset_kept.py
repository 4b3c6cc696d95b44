"""Kept samples of tar files: their members byte by byte, in the same files, with their tables."""

import bz2
import gzip
import io
import tarfile

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tar_files import JPEG, member, shard, tar_bytes

from registry.datasets import open_dataset
from registry.datasets.hidden import RAW, UNREAD
from registry.errors import UsageError


def zst(data):
    return pa.compress(data, "zstd", asbytes=True)


def unzst(data):
    return pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()


PACKED = {
    "": (bytes, bytes),
    ".gz": (gzip.compress, gzip.decompress),
    ".bz2": (bz2.compress, bz2.decompress),
    ".zst": (zst, unzst),
}


def kept(dataset, out, keys):
    """Write the samples with some keys, as a check does; also those that could not be read."""
    writer = dataset.keeper(out)
    for chunk in dataset.chunks([*dataset.needed]):
        if RAW not in chunk.batch.schema.names:
            continue
        mask = pc.is_in(chunk.batch.column("__key__"), pa.array(sorted(keys), pa.string()))
        writer.write(chunk.batch.filter(mask), chunk.table)
    assert not out.exists()
    writer.close()


def files_of(number):
    return [(f"x/{number}.jpg", JPEG * number), (f"x/{number}.txt", b"caption")]


def with_end(data):
    """Return members with the end of a tar file, as tarfile writes it."""
    return data + bytes(1024 + -(len(data) + 1024) % 10240)


@given(
    st.sets(st.integers(0, 5)),
    st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    st.sampled_from(sorted(PACKED)),
)
def test_kept_samples_are_the_file_without_the_others(tmp_path_factory, numbers, form, packed):
    folder = tmp_path_factory.mktemp("kept")
    pack, unpack = PACKED[packed]
    name = "n" * 120

    def files(number):
        first, second = files_of(number)
        pax = {"comment": "é"} if form == tarfile.PAX_FORMAT else {}
        long = f"{name if form != tarfile.USTAR_FORMAT else ''}{first[0]}"
        info = member(long, first[1], mtime=1234567, uname="ada", pax_headers=pax)
        return [info, (long.replace("jpg", "txt"), second[1])]

    folder.joinpath(f"a.tar{packed}").write_bytes(
        pack(tar_bytes([one for n in range(6) for one in files(n)], form))
    )
    dataset = open_dataset([str(folder / f"a.tar{packed}")])
    keys = {row["__key__"] for batch in dataset.batches(["__key__"]) for row in batch.to_pylist()}
    chosen = {key for key in keys if int(key[-1]) in numbers}
    out = folder / f"kept.tar{packed}"
    kept(dataset, out, chosen)
    expected = tar_bytes([one for n in sorted(numbers) for one in files(n)], form)
    assert unpack(out.read_bytes()) == expected
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [f"a.tar{packed}", f"kept.tar{packed}"]
    )


def test_kept_shards_are_a_folder_with_their_tables(tmp_path):
    data = tmp_path / "data"
    for number, packed in ((0, ""), (1, ".gz")):
        folder = data / f"part{number}"
        shard(folder / f"0.tar{packed}", *files_of(2 * number), *files_of(2 * number + 1))
        keys = [str(2 * number + 1), "9", str(2 * number)]
        table = pa.table({"key": keys, "url": [f"u{key}" for key in keys]})
        pq.write_table(table, folder / "0.parquet", compression="gzip", row_group_size=2)
        (folder / "0_stats.json").write_text("{}")
    (data / "part1/0.tar.gz").write_bytes(gzip.compress((data / "part1/0.tar.gz").read_bytes()))
    dataset = open_dataset([str(data)])
    out = tmp_path / "kept"
    kept(dataset, out, {"x/1", "x/2", "x/3"})
    files = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert files == ["part0/0.parquet", "part0/0.tar", "part1/0.parquet", "part1/0.tar.gz"]
    assert (out / "part0/0.tar").read_bytes() == tar_bytes(files_of(1))
    assert gzip.decompress((out / "part1/0.tar.gz").read_bytes()) == tar_bytes(
        [*files_of(2), *files_of(3)]
    )
    # Rows of pictures that could not be downloaded belong to no sample.
    assert pq.read_table(out / "part0/0.parquet").to_pylist() == [{"key": "1", "url": "u1"}]
    assert pq.read_table(out / "part1/0.parquet")["key"].to_pylist() == ["3", "2"]
    group = pq.read_metadata(out / "part1/0.parquet").row_group(0)
    assert group.column(0).compression == "GZIP"
    assert open_dataset([str(out)]).left_out == ()
    # One file for all of them has no table.
    kept(dataset, tmp_path / "all.tar", {"x/1", "x/2"})
    assert (tmp_path / "all.tar").read_bytes() == tar_bytes([*files_of(1), *files_of(2)])


def test_a_shard_that_is_not_there_has_no_file(tmp_path):
    shard(tmp_path / "00000.tar", *files_of(0))
    dataset = open_dataset([str(tmp_path / "{00000..00002}.tar")])
    out = tmp_path / "kept"
    kept(dataset, out, {"x/0"})
    assert [path.name for path in out.iterdir()] == ["00000.tar"]


def test_a_folder_is_written_for_one_shard_too(tmp_path):
    shard(tmp_path / "data/0.tar", *files_of(1))
    kept(open_dataset([str(tmp_path / "data")]), tmp_path / "kept", {"x/1"})
    assert (tmp_path / "kept/0.tar").read_bytes() == (tmp_path / "data/0.tar").read_bytes()


def test_a_file_that_is_named_as_if_it_were_not_compressed_stays_so(tmp_path):
    (tmp_path / "a.tar").write_bytes(gzip.compress(tar_bytes(files_of(1))))
    dataset = open_dataset([str(tmp_path / "a.tar")])
    for name, unpack in {
        "kept.tar": gzip.decompress,
        "kept.tgz": gzip.decompress,
        "kept.tar.zst": unzst,
    }.items():
        kept(dataset, tmp_path / name, {"x/1"})
        assert unpack((tmp_path / name).read_bytes()) == tar_bytes(files_of(1))


def test_damaged_parts_are_not_written(tmp_path):
    data = bytearray(tar_bytes([("1.jpg", JPEG), ("2.jpg", JPEG), ("3.jpg", JPEG)]))
    data[1024:1536] = b"?" * 512
    (tmp_path / "a.tar").write_bytes(data)
    dataset = open_dataset([str(tmp_path / "a.tar")])
    writer = dataset.keeper(tmp_path / "kept.tar")
    for batch in dataset.batches([*dataset.needed]):
        assert batch.column(UNREAD).null_count == 0
        assert batch.column(RAW).null_count == 0
        writer.write(batch)
    writer.close()
    expected = tar_bytes([("1.jpg", JPEG), ("3.jpg", JPEG)])
    assert (tmp_path / "kept.tar").read_bytes() == expected
    with tarfile.open(fileobj=io.BytesIO(expected)) as tar:
        assert tar.getnames() == ["1.jpg", "3.jpg"]


def test_names_of_other_formats_and_of_the_dataset_itself_are_refused(tmp_path):
    shard(tmp_path / "a.tar", *files_of(1))
    table = pa.table({"key": ["1"], "url": ["u"]})
    pq.write_table(table, tmp_path / "a.parquet")
    dataset = open_dataset([str(tmp_path / "a.tar")])
    for name in ("kept.csv", "kept.parquet", "a.tar", "a.parquet", "kept.jsonl.gz"):
        with pytest.raises(UsageError):
            dataset.keeper(tmp_path / name)
    writer = dataset.keeper(tmp_path / "kept")
    writer.write(next(dataset.batches([*dataset.needed])))
    writer.abandon()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "a.tar"]
