"""`registry check` as installed: outcomes, outputs, exit codes."""

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from checking import MARKED, REGISTRY, check, said_in_one_line, table
from click.testing import CliRunner
from made import Made

from registry.cli.check import command
from registry.errors import UsageError
from registry.pictures.reading import fingerprint_file


def test_every_row_gets_one_outcome_with_its_reason(tmp_path: Path, snapshot: Path, picture: Path):
    code = fingerprint_file(picture).fingerprints["phash64"]["full"]
    near = f"{int(code, 16) ^ 0b101:016x}"
    maybe = f"{int(code, 16) ^ 0b1111111:016x}"
    dataset = table(
        tmp_path / "dataset.parquet",
        url=[
            "http://ART.example:80/works/1.jpg#x",
            "https://art.example/works/free.jpg",
            "https://shut.example/a.jpg",
            "https://deal.example/3.jpg",
            "https://copy.example/1.jpg",
            "https://copy.example/2.jpg",
            "https://copy.example/3.jpg",
            None,
            "data:image/png;base64,AAAA",
            "https://copy.example/4.jpg",
        ],
        phash=[None, None, None, None, near, maybe, "00ff" * 4, None, None, "12"],
    )
    rows = tmp_path / "rows.parquet"
    vouched = ("--column", "phash64=phash")
    result = check(dataset, "--out", rows, "--json", *vouched, snapshot=snapshot)
    assert result.returncode == 1, result.stderr
    report = json.loads(result.stdout)
    assert report["outcomes"] == {
        "reserved": 3,
        "conditional": 1,
        "review": 1,
        "clear": 2,
        "unchecked": 3,
    }
    assert report["unchecked_reasons"] == {
        "bad-phash64": 1,
        "bad-url": 1,
        "nothing-to-check": 1,
    }
    assert report["matched_by"] == {"url": 2, "digest": 0, "fingerprint": 2, "site": 1}
    assert report["columns"]["url"]["column"] == "url"
    assert report["rows"] == sum(report["outcomes"].values()) == 10
    written = pq.read_table(rows).to_pylist()
    assert [row["optout_outcome"] for row in written] == [
        *("reserved", "clear", "reserved", "conditional", "reserved"),
        *("review", "clear", "unchecked", "unchecked", "unchecked"),
    ]
    assert written[0]["optout_reason"] == f"X-Robots-Tag: noai at {MARKED} (same URL)"
    assert written[0]["optout_signal"] == "noai"
    assert written[0]["optout_entry"] == "observation:1"
    assert (
        written[1]["optout_reason"] == "seen on 2026-11-01, no mark; its picture was never fetched"
    )
    assert written[2]["optout_match"] == "site"
    assert "Disallow: /" in written[2]["optout_reason"]
    assert (written[4]["optout_match"], written[4]["optout_distance"]) == ("fingerprint", 2)
    assert written[7]["optout_reason"] == "nothing-to-check"
    assert written[3]["optout_licence"] == "https://l.example"
    assert "licence: https://l.example" in written[3]["optout_reason"]


def test_rules_of_the_site_of_a_rows_page_are_asked(tmp_path: Path, snapshot: Path):
    dataset = table(
        tmp_path / "dataset.parquet",
        url=[
            "https://img.shut.example/1.jpg",
            "https://cdn.example/1.jpg",
            "https://cdn.example/2",
        ],
        page_url=["https://shut.example/1", "https://shut.example/1", "https://open.example/1"],
    )
    rows = tmp_path / "rows.parquet"
    assert check(dataset, "--out", rows, snapshot=snapshot).returncode == 1
    written = pq.read_table(rows).to_pylist()
    assert [row["optout_outcome"] for row in written] == ["reserved", "review", "clear"]
    assert [row["optout_match"] for row in written] == ["site", "site", None]
    rule = "Disallow: / at https://shut.example/robots.txt"
    assert written[0]["optout_reason"] == f"{rule} (rule of its page's site)"
    assert written[1]["optout_reason"].endswith(
        "(rule of its page's site; may not cover this picture)"
    )


def test_how_an_address_was_equal_is_said(tmp_path: Path, snapshot: Path):
    dataset = table(tmp_path / "d.parquet", url=[MARKED, f"{MARKED}?utm_source=a&amp;fbclid=2"])
    rows = tmp_path / "rows.parquet"
    check(dataset, "--out", rows, snapshot=snapshot)
    said = [row["optout_reason"].partition(" (")[2] for row in pq.read_table(rows).to_pylist()]
    assert said == ["same URL)", "same URL without tracking parameters (utm_source, fbclid))"]


def test_keep_writes_the_rows_of_one_outcome_unchanged(tmp_path: Path, snapshot: Path):
    schema = pa.schema(
        [pa.field("URL", pa.dictionary(pa.int32(), pa.string())), ("n", pa.int64())],
        metadata={"made": "by a test"},
    )
    rows = {"URL": [MARKED, "https://x.example/1.jpg"], "n": [1, 2]}
    pq.write_table(pa.table(rows, schema=schema), tmp_path / "d.parquet")
    clean = tmp_path / "clean.parquet"
    result = check(tmp_path / "d.parquet", "--keep", "clear", "--out", clean, snapshot=snapshot)
    assert result.returncode == 1
    kept = pq.read_table(clean)
    assert kept["n"].to_pylist() == [2]
    assert kept.schema.metadata[b"made"] == b"by a test"


def test_several_outcomes_can_be_kept(tmp_path: Path, snapshot: Path):
    dataset = table(tmp_path / "d.parquet", url=[MARKED, "https://x.example/1.jpg", None])
    kept = tmp_path / "kept.parquet"
    keep = ("--keep", "clear", "--keep", "unchecked", "--out", kept)
    assert check(dataset, *keep, snapshot=snapshot).returncode == 1
    assert pq.read_table(kept)["url"].to_pylist() == ["https://x.example/1.jpg", None]


def test_a_clear_dataset_ends_with_0_and_one_to_review_with_3(
    tmp_path: Path, snapshot: Path, picture: Path
):
    clear = table(tmp_path / "c.parquet", url=["https://x.example/1.jpg"])
    assert check(clear, snapshot=snapshot).returncode == 0
    unsure = table(tmp_path / "u.parquet", url=["https://x.example/1.jpg", None])
    assert check(unsure, snapshot=snapshot).returncode == 3
    code = int(fingerprint_file(picture).fingerprints["phash64"]["full"], 16) ^ 0b1111111
    review = table(tmp_path / "r.parquet", phash=[f"{code:016x}"])
    assert check(review, snapshot=snapshot).returncode == 3
    assert check(review, "--distance", "7", snapshot=snapshot).returncode == 1
    vouched = ("--column", "phash64=phash")
    assert check(review, "--distance", "6", *vouched, snapshot=snapshot).returncode == 0


def test_hashes_of_another_algorithm_are_unchecked_but_what_matches_is_said(
    tmp_path: Path, snapshot: Path, picture: Path
):
    code = fingerprint_file(picture).fingerprints["phash64"]["full"]
    # Bits of a dHash: as many set as come, the first not more often than others.
    rng = random.Random(3)
    codes = [code, *(rng.randbytes(8).hex() for _ in range(9))]
    dataset = table(tmp_path / "d.parquet", phash=codes)
    result = check(dataset, "--json", snapshot=snapshot)
    report = json.loads(result.stdout)
    assert (report["outcomes"]["reserved"], report["outcomes"]["clear"]) == (1, 0)
    assert report["unchecked_reasons"] == {"hash-of-another-algorithm": 9}
    assert "hash-of-another-algorithm" in result.stderr


def test_a_dataset_without_rows_is_no_answer(tmp_path: Path, snapshot: Path):
    pq.write_table(pa.table({"url": pa.array([], pa.string())}), tmp_path / "d.parquet")
    result = check(tmp_path / "d.parquet", snapshot=snapshot)
    assert result.returncode == 3
    assert "nothing was checked" in result.stdout


def test_a_report_page_stands_on_its_own(tmp_path: Path, snapshot: Path):
    dataset = table(tmp_path / "<b>.parquet", url=[MARKED, "https://x.example/1.jpg"])
    page = tmp_path / "report.html"
    check(dataset, "--report", page, snapshot=snapshot)
    text = page.read_text()
    assert "&lt;b&gt;.parquet" in text
    assert "<script" not in text
    assert "src=" not in text
    assert "<b>.parquet" not in text


def test_what_is_known_of_the_picture_at_a_url_counts(tmp_path: Path):
    made = Made()
    code = int.from_bytes(random.Random(8).randbytes(8))
    marked, small = made.image(code, phash256=bytes(32)), made.image(code ^ 1, phash256=bytes(32))
    made.observe(MARKED, [made.headers("noai", url=MARKED)], image_id=marked)
    made.observe("https://art.example/small.jpg", image_id=small, page_url="https://art.example/2")
    made.observe("https://art.example/same.jpg", image_id=marked, page_url="https://art.example/3")
    urls = ["https://art.example/small.jpg", "https://art.example/same.jpg"]
    dataset = table(tmp_path / "d.parquet", url=urls)
    out = tmp_path / "rows.parquet"
    assert check(dataset, "--out", out, snapshot=made.snapshot(tmp_path).path).returncode == 1
    rows = pq.read_table(out).to_pylist()
    assert [row["optout_match"] for row in rows] == ["fingerprint", "digest"]
    assert {row["optout_entry"] for row in rows} == {"observation:1"}


@pytest.mark.parametrize("kind", [pa.string_view(), pa.large_string()])
def test_unusual_kinds_of_text(tmp_path: Path, snapshot: Path, kind: pa.DataType):
    texts = pa.array([MARKED, None, "https://x.example/1.jpg"]).cast(kind)
    pq.write_table(pa.table({"url": texts}), tmp_path / "d.parquet")
    assert check(tmp_path / "d.parquet", snapshot=snapshot).returncode == 1


def test_a_struct_of_texts_is_no_picture(tmp_path: Path, snapshot: Path):
    rows = {"image": [{"bytes": "text", "path": "x"}], "url": [MARKED]}
    assert check(table(tmp_path / "d.parquet", **rows), snapshot=snapshot).returncode == 1


def test_lists_of_rows_to_remove_and_to_keep(tmp_path: Path, snapshot: Path):
    dataset = table(tmp_path / "d.parquet", url=[MARKED, "https://x.example/1.jpg", None])
    removal, indices = tmp_path / "list.txt", tmp_path / "kept.npy"
    result = check(dataset, "--removal", removal, "--indices", indices, snapshot=snapshot)
    assert result.returncode == 1
    assert f"rows to remove: {removal}" in result.stderr
    assert removal.read_text().splitlines() == ["0", "2"]
    assert np.load(indices).tolist() == [1]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--indices", "kept.txt"], "name an .npy file"),
        (["--removal", "a", "--indices", "missing/kept.npy"], "there is no folder"),
        (["--removal", "a.npy", "--indices", "a.npy"], "name the same file"),
        (["--removal", "a", "--out", "folder/../a"], "name the same file"),
        (["--report", "a.md", "--report", "./a.md"], "name the same file"),
        (["--removal", "d.parquet"], "part of the dataset itself"),
        (["--out", "/dev/stdout"], "not a regular file"),
        (["--out", "link"], "not a regular file"),
        (["--removal", "folder"], "a folder that is there"),
        (["--keep", "clear"], "--keep needs --out, --removal or --indices"),
    ],
)
def test_lists_that_cannot_be_written_are_refused(tmp_path, monkeypatch, options, text):
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "d.parquet", url=[MARKED])
    (tmp_path / "link").symlink_to("/dev/stdout")
    (tmp_path / "folder").mkdir()
    result = CliRunner().invoke(command, ["d.parquet", *options], standalone_mode=False)
    assert isinstance(result.exception, UsageError)
    assert text in f"{result.exception.message} {result.exception.hint}"


@pytest.mark.parametrize("option", ["--out", "--removal", "--ai-act", "--report"])
def test_what_the_next_check_would_read_is_not_written_into_the_dataset(tmp_path, snapshot, option):
    (tmp_path / "data").mkdir()
    table(tmp_path / "data/d.parquet", url=[MARKED])
    (tmp_path / "link").symlink_to("data")
    for name in ("data/r.json", "link/r.json"):
        result = check(tmp_path / "data", option, tmp_path / name, snapshot=snapshot)
        assert result.returncode == (1 if option == "--report" else 2), result.stderr
        assert (tmp_path / "data/r.json").exists() == (option == "--report")
        assert ("in the folder of the dataset" in result.stderr) == (option != "--report")


@pytest.mark.parametrize("pattern", ["*.parquet", "{0..3}.parquet", "[0-9].parquet"])
def test_what_a_pattern_would_find_is_not_written(tmp_path, snapshot, pattern):
    table(tmp_path / "1.parquet", url=[MARKED])
    given = (str(tmp_path / pattern), "--keep", "clear", "--out")
    said_in_one_line(check(*given, tmp_path / "2.parquet", snapshot=snapshot), 2, "would read it")
    assert check(*given, tmp_path / "other.PARQUET", snapshot=snapshot).returncode == 1


@pytest.mark.skipif(not importlib.util.find_spec("pandas"), reason="pandas is not installed")
def test_pandas_is_not_loaded_beside_pyarrow(tmp_path, snapshot):
    dataset = table(tmp_path / "d.parquet", url=[MARKED])
    command = [REGISTRY, "check", dataset, "--snapshot", snapshot]
    told = [sys.executable, "-X", "importtime", *map(str, command)]
    done = subprocess.run(told, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "pyarrow.compute" in loaded
    assert "pandas.core" not in loaded
