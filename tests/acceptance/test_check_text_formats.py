"""`registry check` of CSV, TSV and JSON lines, compressed or not, as files and from a pipe."""

import bz2
import gzip
import json
import os
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from checking import MARKED, REGISTRY, check, picture, said_in_one_line, snapshot  # noqa: F401

import registry
from registry.datasets.formats import jsonl
from registry.pictures.reading import fingerprint_file

FREE = "https://free.example/9.jpg"
SHUT = "https://shut.example/2.jpg"
# Rows of known answers: reserved by its mark, by its site, and clear.
ROWS = [MARKED, FREE, SHUT, FREE.replace("9", "8")]
ANSWERS = ["reserved", "clear", "reserved", "clear"]


def zst(data):
    return pa.compress(data, "zstd", asbytes=True)


PACKED = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".zst": zst}


def lines(suffix, values=ROWS, name="url"):
    """Return rows with a caption and one value each, in the format of a suffix."""
    if suffix == ".jsonl":
        rows = [json.dumps({"caption": "é, \n", name: value}) for value in values]
        return "\n".join(rows).encode() + b"\n"
    if suffix == ".csv":
        return "\n".join([f"caption,{name}", *(f'"é, ""x""",{value}' for value in values)]).encode()
    return "".join(f'a, 5" cat\t{value}\n' for value in values).encode()


def outcomes(path, snapshot, columns=None):  # noqa: F811
    out = path.parent / "rows.parquet"
    registry.check(path, registry.open_snapshot(snapshot), out=out, columns=columns)
    return pq.read_table(out)["optout_outcome"].to_pylist()


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_rows_of_text_files_have_their_answers(tmp_path, snapshot, suffix, packed):  # noqa: F811
    path = tmp_path / f"data{suffix}{packed}"
    path.write_bytes(PACKED[packed](lines(suffix)))
    assert outcomes(path, snapshot) == ANSWERS


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
@pytest.mark.parametrize("key", ["sha256", "md5", "phash"])
def test_digests_and_hashes_in_text_files(tmp_path, snapshot, picture, suffix, key):  # noqa: F811
    hashed = fingerprint_file(picture)
    own = {
        "sha256": hashed.sha256,
        "md5": hashed.md5,
        "phash": hashed.fingerprints["phash64"]["full"],
    }[key]
    others = [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}"[: len(own)] for number in range(1, 40)]
    if key != "phash":
        others = [(other * 4)[: len(own)] for other in others]
    path = tmp_path / f"data{suffix}"
    path.write_bytes(lines(suffix, [own, *others], key))
    # A file without column names needs one.
    role = {"phash": "phash64"}.get(key, key)
    columns = {role: ["column_2"]} if suffix == ".tsv" else None
    first, *rest = outcomes(path, snapshot, columns)
    assert first == "reserved"
    assert "reserved" not in rest


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_a_pipe_is_a_dataset(tmp_path, snapshot, suffix):  # noqa: F811
    path, out = tmp_path / f"data{suffix}.gz", tmp_path / f"kept{suffix}.gz"
    path.write_bytes(gzip.compress(lines(suffix)))
    with path.open("rb") as file:
        command = [REGISTRY, "check", "-", "--keep", "clear", "--out", out, "--snapshot", snapshot]
        result = subprocess.run(
            list(map(str, command)), stdin=file, capture_output=True, text=True, check=False
        )
    assert result.returncode == 1, result.stderr
    assert "standard input: 4 rows" in result.stdout
    written = gzip.decompress(out.read_bytes())
    rows = lines(suffix).splitlines(keepends=True)
    head = rows[:1] if suffix == ".csv" else []
    kept = [row for row in rows if b"free.example" in row]
    assert written.strip() == b"".join(head + kept).strip()


def test_several_files_are_one_dataset(tmp_path, snapshot):  # noqa: F811
    data = tmp_path / "data"
    data.mkdir()
    for place, row in enumerate(ROWS):
        (data / f"{place}.csv").write_bytes(lines(".csv", [row]))
    (data / "README.md").write_text("About it")
    result = check(data, "--keep", "clear", "--out", tmp_path / "kept.csv", snapshot=snapshot)
    assert result.returncode == 1, result.stderr
    kept = (tmp_path / "kept.csv").read_text().splitlines()
    assert kept == lines(".csv", [ROWS[1], ROWS[3]]).decode().splitlines()


def test_bad_rows_are_unchecked_and_the_run_goes_on(tmp_path, snapshot):  # noqa: F811
    path, out = tmp_path / "data.jsonl", tmp_path / "rows.parquet"
    bad = [b"{", b"[1]", b'{"url": "\xff"}', b'{"url": 7}', b"null"]
    good = [json.dumps({"url": row}).encode() for row in ROWS]
    path.write_bytes(b"\n".join([*good, *bad, *good]))
    result = check(path, "--out", out, snapshot=snapshot)
    assert "row 4: not JSON" in result.stdout
    found = pq.read_table(out)["optout_outcome"].to_pylist()
    assert found == [*ANSWERS, *["unchecked"] * 5, *ANSWERS]
    reasons = pq.read_table(out)["optout_reason"].to_pylist()
    assert reasons[5] == "row-not-read: not a JSON object"


def test_a_field_that_the_first_rows_lack_is_searched(tmp_path, snapshot, picture, monkeypatch):  # noqa: F811
    monkeypatch.setattr(jsonl, "_SAMPLE", 10)
    path = tmp_path / "data.jsonl"
    late = [{"seen": {"at": [SHUT]}}, {"sha256": fingerprint_file(picture).sha256}, {"url": [SHUT]}]
    rows = [{"url": FREE, "text": "a"}, *({"url": FREE, "text": "a", **more} for more in late)]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert outcomes(path, snapshot) == ["clear", "reserved", "reserved", "reserved"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "empty.csv"),
        ("wide.csv", "url\nhttps://a.example/1.jpg\n".encode("utf-16"), "UTF-8"),
        ("mac.csv", b"url,x\rhttps://a.example/1.jpg,y\r", "line ends"),
        ("cut.csv.gz", gzip.compress(lines(".csv") * 999)[:200], "incomplete"),
        ("no.jsonl", b"hello\nworld\n", "JSON object"),
        ("odd.csv", b"name,words\na,b\n", "no usable column"),
        ("data.csv", b"\x00\x01\x02", "UTF-8"),
        ("hidden.csv", b"url,optout:raw\nhttps://a.example/1.jpg,x\n", "optout:raw"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path, snapshot, name, content, said):  # noqa: F811
    path = tmp_path / name
    path.write_bytes(content)
    said_in_one_line(check(path, snapshot=snapshot), 4, said)


def test_names_of_results_that_do_not_fit(tmp_path, snapshot):  # noqa: F811
    path = tmp_path / "data.csv"
    path.write_bytes(lines(".csv"))
    kept = ["--keep", "clear", "--out"]
    said_in_one_line(check(path, *kept, tmp_path / "a.jsonl", snapshot=snapshot), 2, ".csv")
    said_in_one_line(check(path, *kept, path, snapshot=snapshot), 2, "dataset itself")
    said_in_one_line(check(path, "--out", tmp_path / "a.csv", snapshot=snapshot), 2, "Parquet")
    said_in_one_line(check("-", path, snapshot=snapshot), 2, "standard input")
    assert sorted(os.listdir(tmp_path)) == ["data.csv", "marked.jpg", "snapshot-1"]
