"""Tables of claims as people really save them: encodings, separators, types, faults."""

from __future__ import annotations

import os
import socket
import time
import tracemalloc
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from registry.claims.files import is_table, read_claims, read_table
from registry.claims.tables import Problems
from registry.datasets._left_out import passed_over
from registry.errors import UnreadableInput
from registry.model import Claim

LIST = Claim("list")
A, B = "https://art.example/a.jpg", "https://art.example/b.jpg"


def read(path: Path) -> tuple[list[Claim], Problems]:
    problems = Problems()
    return list(read_claims(path, LIST, problems)), problems


def urls(path: Path) -> list[str | None]:
    claims, problems = read(path)
    assert problems == Problems(rows_read=len(claims))
    return [claim.url for claim in claims]


@pytest.mark.parametrize(
    "content",
    [
        f"url,caption\n{A},one\n{B},two\n".encode(),
        f"URL,Caption\r\n{A},one\r\n{B},two\r\n".encode(),
        f"\ufeffurl;caption\n{A};one\n{B};two\n".encode(),
        f"url\tcaption\n{A}\tone\n{B}\ttwo".encode(),
        f'caption,url\n"one, ""quoted""\nin two lines","{A}"\n\n,{B}\n'.encode(),
        f"url\n{A}\n{B}\n".encode(),
    ],
    ids=["plain", "crlf", "bom-semicolons", "tabs", "quoted", "one-column"],
)
def test_csv_as_programs_save_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list.csv").write_bytes(content)
    assert urls(tmp_path / "list.csv") == [A, B]


def test_tsv(tmp_path: Path) -> None:
    (tmp_path / "list.TSV").write_text(f"url\tcaption\n{A}\tone, two, three\n{B}\t\n")
    assert urls(tmp_path / "list.TSV") == [A, B]


def test_json_lines(tmp_path: Path) -> None:
    (tmp_path / "list.jsonl").write_text(f'{{"URL": "{A}"}}\n\n{{"url": "{B}", "n": [1]}}')
    assert urls(tmp_path / "list.jsonl") == [A, B]


def test_parquet_with_types_of_its_own(tmp_path: Path) -> None:
    table = pa.table(
        {
            "URL": pa.array([A, None]).dictionary_encode(),
            "sha256": pa.array([None, b"\xab" * 32], pa.binary()),
            "width": pa.array([640.0, None]),
            "height": pa.array([480, None], pa.int64()),
            "observed_at": pa.array([1_700_000_000_000_000_001, None], pa.timestamp("ns", "UTC")),
            "embedding": pa.array([[1.0], [2.0]]),
        }
    )
    pq.write_table(table, tmp_path / "list.parquet")
    claims, problems = read(tmp_path / "list.parquet")
    moment = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert problems == Problems(rows_read=2)
    assert claims == [
        Claim("list", url=A, width=640, height=480, observed_at=moment),
        Claim("list", sha256="ab" * 32),
    ]


def test_bad_rows_are_named_and_the_others_loaded(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"url,md5\n{A},\nnowhere,\n,\n{A},x,y\n{B},\n")
    claims, problems = read(path)
    assert [claim.url for claim in claims] == [A, B]
    assert problems.bad_rows == 3
    assert [(left.file, left.place) for left in problems.left_out] == [
        (str(path), f"line {line}") for line in (3, 4, 5)
    ]
    assert problems.left_out[2].reason == "3 fields instead of 2 as in the first line"


def test_bad_json_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(f'{{"url": "{A}"\n[1]\n{{"caption": 1}}\n{{"url": "{B}"}}\n{"[" * 100_000}\n')
    claims, problems = read(path)
    assert [claim.url for claim in claims] == [B]
    assert problems.bad_rows == 4
    assert [left.place for left in problems.left_out] == ["line 1", "line 2", "line 3", "line 5"]
    assert all("JSON" in left.reason or "usable" in left.reason for left in problems.left_out)


def test_a_column_that_is_twice_in_a_json_line_costs_that_line_only(tmp_path: Path) -> None:
    """Which of the two was meant nobody knows."""
    path = tmp_path / "list.jsonl"
    lines = [
        f'{{"url": "{A}", "url": "{B}"}}',
        f'{{"url": "{A}", "n": 1, "n": {{"n": 1, "n": 2}}}}',
    ]
    path.write_text("\n".join([*lines, f'{{"URL": "{A}", "url": "{B}"}}']))
    claims, problems = read(path)
    assert [claim.url for claim in claims] == [A]
    assert [left.place for left in problems.left_out] == ["line 1", "line 3"]
    assert problems.left_out[0].reason == "the table has the column url twice: url, url"


def test_only_the_first_bad_rows_are_kept(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("url\n" + "nowhere\n" * 500)
    _, problems = read(tmp_path / "list.csv")
    assert (problems.bad_rows, len(problems.left_out)) == (500, 10)


def test_flat_hashes_left_out_of_rows_are_counted(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(
        f"url,phash64,phash256\n{A},8000000000000000,\n{B},,{'0' * 64}\n"
    )
    claims, problems = read(tmp_path / "list.csv")
    assert [claim.phash64 or claim.phash256 for claim in claims] == [None, None]
    assert (problems.bad_rows, problems.flat_hashes) == (0, 2)


def test_a_quote_that_is_never_closed_is_one_bad_row(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(f'url,caption\n{A},x\n{B},"open\n')
    claims, problems = read(tmp_path / "list.csv")
    assert [claim.url for claim in claims] == [A]
    assert problems.bad_rows == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("list.csv", b"", "no usable column; columns seen: none"),
        ("list.csv", f"{A}\n{B}\n".encode(), "columns seen: https://art.example/a.jpg"),
        ("list.csv", b"url,caf\xe9\n", "not UTF-8"),
        ("list.csv", "url\n".encode("utf-16-le"), "not UTF-8"),
        ("list.jsonl", "{}\n".encode("utf-32"), "not UTF-8 but UTF-32"),
        ("list.csv", "url\n".encode("utf-16"), "not UTF-8"),
        ("list.csv", b"url,URL\n", "has the column url twice"),
        ("list.jsonl", b"\xff\xfe\x00", "not UTF-8"),
        ("list.parquet", b"", "not a readable Parquet file"),
        ("list.parquet", b"PAR1 and no more PAR1", "not a readable Parquet file"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableInput, match=words) as caught:
        read(tmp_path / name)
    assert caught.value.message.startswith(str(tmp_path / name))
    assert "\n" not in caught.value.message


def test_a_parquet_file_cut_short_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.table({"url": [f"{A}?{n}" for n in range(10_000)]}), whole)
    damaged = bytearray(whole.read_bytes())
    damaged[100:4000] = b"\xff" * 3900
    (tmp_path / "damaged.parquet").write_bytes(damaged)
    with pytest.raises(UnreadableInput, match=r"damaged\.parquet: not a readable"):
        read(tmp_path / "damaged.parquet")


def test_a_parquet_without_usable_columns_lists_them(tmp_path: Path) -> None:
    pq.write_table(pa.table({"caption": ["x"], "similarity": [0.3]}), tmp_path / "t.parquet")
    with pytest.raises(UnreadableInput, match="columns seen: caption, similarity"):
        read(tmp_path / "t.parquet")


@pytest.mark.parametrize("name", ["list.csv", "list.jsonl", "list.parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, name: str) -> None:
    rows = [f"{A}?{'x' * 600}{n}" for n in range(12_000)]
    path = tmp_path / name
    if name.endswith("parquet"):
        pq.write_table(pa.table({"url": rows}), path)
    elif name.endswith("csv"):
        path.write_text("url\n" + "\n".join(rows))
    else:
        path.write_text("".join(f'{{"url": "{row}"}}\n' for row in rows))
    del rows
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_claims(path, LIST, Problems())) == 12_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("name", ["list.csv", "list.jsonl", "list.parquet"])
def test_memory_of_columns_does_not_grow_with_the_file(tmp_path: Path, name: str) -> None:
    rows = [f"{A}?{'x' * 600}{n}" for n in range(60_000)]
    path = tmp_path / name
    if name.endswith("parquet"):
        pq.write_table(pa.table({"url": rows}), path, row_group_size=10_000)
    elif name.endswith("csv"):
        path.write_text("url\n" + "\n".join(rows))
    else:
        path.write_text("".join(f'{{"url": "{row}"}}\n' for row in rows))
    del rows
    count, of_arrow = 0, 0
    tracemalloc.start()
    try:
        for part in read_table(path, LIST, Problems()):
            count += 1 if isinstance(part, Claim) else part.count
            of_arrow = max(of_arrow, pa.total_allocated_bytes())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 60_000
    assert peak + of_arrow < 25_000_000


@pytest.mark.parametrize("name", ["a.csv", "a.TSV", "a.jsonl", "a.ndjson", "a.parquet"])
def test_tables_are_known_by_their_names(name: str) -> None:
    assert is_table(Path(name))


def test_pictures_are_no_tables() -> None:
    assert not is_table(Path("a.jpg"))


@pytest.mark.parametrize("content", ['"url"x,site\nhttps://a/b,c\n', '"url\n'])
def test_a_first_line_that_is_not_csv_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "list.csv").write_text(content)
    with pytest.raises(UnreadableInput, match="the line with the column names is not CSV"):
        read(tmp_path / "list.csv")


@pytest.mark.parametrize(
    "impossible",
    [
        pa.array([2**62, 0], pa.int64()).cast(pa.timestamp("us")),
        pa.array([2**40, 0], pa.int64()).cast(pa.timestamp("s")),
        pa.array([2**31 - 1, 0], pa.int32()).cast(pa.date32()),
        pa.array([0, 0], pa.int64()).cast(pa.timestamp("us", "Nowhere/Land")),
    ],
    ids=["microseconds", "seconds", "days", "zone"],
)
def test_a_time_that_cannot_be_costs_no_other_row(tmp_path: Path, impossible: pa.Array) -> None:
    table = pa.table({"url": [A, B], "observed_at": impossible})
    pq.write_table(table, tmp_path / "list.parquet")
    claims, problems = read(tmp_path / "list.parquet")
    assert len(claims) + problems.bad_rows == 2
    assert problems.bad_rows
    assert all(left.place.startswith("row ") for left in problems.left_out)
    assert not any("\n" in left.reason for left in problems.left_out)
    assert [claim.url for claim in claims] in ([B], [])


def test_parquet_text_that_is_not_utf8_costs_no_other_row(tmp_path: Path) -> None:
    raw = pa.array([b"https://art.example/\xe9.jpg", B.encode()], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    pq.write_table(pa.table({"url": broken}), tmp_path / "list.parquet")
    claims, problems = read(tmp_path / "list.parquet")
    assert [claim.url for claim in claims] == [B]
    assert problems.bad_rows == 1


@pytest.mark.parametrize("name", ["list.csv", "list.jsonl"])
def test_a_line_without_end_is_one_bad_row(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.claims.lines.LONGEST_LINE", 1 << 20)
    rows = {"list.csv": ["url,evidence", f"{A},%s", f"{B},x"]}
    rows["list.jsonl"] = [f'{{"url": "{A}", "evidence": "%s"}}', f'{{"url": "{B}"}}']
    text = "\n".join(rows[name]) % ("x" * (7 << 20))
    (tmp_path / name).write_text(text + "\n")
    tracemalloc.start()
    try:
        claims, problems = read(tmp_path / name)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [claim.url for claim in claims] == [B]
    assert problems.bad_rows == 1
    assert problems.left_out[0].reason == "a line is longer than 1 MiB"
    assert peak < 6 << 20


def damaged_table(tmp_path: Path) -> Path:
    """Write a list of 30,000 rows, of which the one at line 25,002 is not UTF-8."""
    path = tmp_path / "list.csv"
    rows = [f"{A}?{n}\n".encode() for n in range(30_000)]
    rows.insert(25_000, b"https://art.example/\xe9.jpg\n")
    path.write_bytes(b"url\n" + b"".join(rows))
    return path


def test_a_byte_that_is_not_utf8_costs_its_own_row_only(tmp_path: Path) -> None:
    claims, problems = read(damaged_table(tmp_path))
    assert len(claims) == 30_000
    assert (problems.rows_read, problems.bad_rows, problems.not_utf8) == (30_001, 1, 1)
    (left,) = problems.left_out
    assert (left.place, left.reason) == ("line 25002", "not UTF-8 (byte 0xe9)")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_bad_lines_between_good_ones(tmp_path: Path, end: str) -> None:
    path = tmp_path / "list.csv"
    lines = [b"\xef\xbb\xbfurl", A.encode(), b"https://art.example/\0", b"\xff\xfe", B.encode()]
    path.write_bytes(end.encode().join([*lines, b""]))
    claims, problems = read(path)
    assert [claim.url for claim in claims] == [A, B]
    assert [left.place for left in problems.left_out] == ["line 3", "line 4"]


def test_a_json_line_that_is_not_utf8_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_bytes(f'{{"url": "{A}"}}\n{{"url": "\xe9"}}\n{{"url": "{B}"}}\n'.encode("latin-1"))
    claims, problems = read(path)
    assert [claim.url for claim in claims] == [A, B]
    assert (problems.not_utf8, problems.left_out[0].place) == (1, "line 2")


def test_a_damaged_row_group_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"url": [f"{A}?{n}" for n in range(30)]}), path, row_group_size=10)
    where = pq.ParquetFile(path).metadata.row_group(1).column(0)
    start = where.dictionary_page_offset or where.data_page_offset
    damaged = bytearray(path.read_bytes())
    damaged[start : start + where.total_compressed_size] = b"\xff" * where.total_compressed_size
    path.write_bytes(damaged)
    rows = read_claims(path, LIST, Problems())
    found = [claim.url for claim in islice(rows, 20)]
    with pytest.raises(UnreadableInput, match="10 rows in 1 of 3 row groups are lost"):
        next(rows)
    assert found == [f"{A}?{n}" for n in (*range(10), *range(20, 30))]


def test_a_giant_value_in_parquet_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"url": ["x" * (300 << 20), B]}), path, compression="zstd")
    assert path.stat().st_size < 1 << 20
    before = pa.total_allocated_bytes()
    with pytest.raises(UnreadableInput, match=r"values of [\d,]+ MiB in 2 rows"):
        read(path)
    assert pa.total_allocated_bytes() - before < 1 << 20


def test_a_long_value_in_parquet_is_one_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"url": [A, B], "evidence": ["x" * (17 << 20), "y"]}), path)
    claims, problems = read(path)
    assert [claim.url for claim in claims] == [B]
    assert problems.left_out[0].reason == "a value is larger than 16 MiB"


@pytest.mark.parametrize("name", ["list.csv", "list.jsonl", "list.parquet"])
@pytest.mark.parametrize("target", ["/dev/zero", "/dev/full", "/proc/self/mem", "/proc/kmsg"])
def test_devices_and_files_of_the_system_are_refused(
    tmp_path: Path, name: str, target: str
) -> None:
    (tmp_path / name).symlink_to(target)
    with pytest.raises(UnreadableInput, match="not a regular file") as caught:
        read(tmp_path / name)
    assert caught.value.exit_code == 4
    assert str(tmp_path / name) in caught.value.message


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_pipes_and_sockets_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "list.csv"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
    with pytest.raises(UnreadableInput, match=f"a {kind}, not a regular file"):
        read(path)


@pytest.mark.parametrize("blanks", [b"\n", b" ", b"\r\n", b"* \n", b"https://\n "])
def test_long_runs_of_blanks_take_no_time(tmp_path: Path, blanks: bytes) -> None:
    """Looking for lines that are addresses took a minute for so many line ends."""
    (tmp_path / "blank.md").write_bytes(blanks * (1 << 18))
    start = time.monotonic()
    (found,) = passed_over([tmp_path / "blank.md"], [])
    assert (found.reason, time.monotonic() - start < 20) == (None, True)
