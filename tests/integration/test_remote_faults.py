"""Remote files whose servers fail, send no ranges, or hold odd things; and what is sent at all."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layout_parts import registry_of_works
from remote_servers import web_server
from tar_files import tar_bytes
from zip_files import zip_bytes

from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.datasets.hidden import UNREAD
from registry.datasets.remote import faults, ranges
from registry.datasets.states import changed, digest, states
from registry.errors import RegistryError, UnreadableDataset

pytest.importorskip("fsspec", reason="needs the extra remote")
URLS = [f"https://img.example/{number}.jpg" for number in range(20_000)]
WORDS = "a picture of something else at some length"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with web_server(tmp_path_factory.mktemp("web")) as one:
        yield one


@pytest.fixture
def web(served, tmp_path, monkeypatch):
    monkeypatch.setattr(faults, "PAUSES", (0.0, 0.0, 0.0))
    folder = tmp_path / "web"
    folder.mkdir()
    return served.again(folder)


def csv(folder: Path, rows: int = 20_000) -> Path:
    path = folder / "a.csv"
    path.write_text("url,words\n" + "".join(f"{url},{WORDS}\n" for url in URLS[:rows]))
    return path


def parquet(folder: Path) -> Path:
    noise = np.random.default_rng(1).bytes(100 * 40_000)
    pictures = [noise[at : at + 100] for at in range(0, len(noise), 100)]
    table = pa.table({"url": URLS * 2, "picture": pictures})
    pq.write_table(table, folder / "a.parquet", row_group_size=10_000)
    return folder / "a.parquet"


def tar(folder: Path) -> Path:
    members = [(f"{n:05d}.{end}", b"x" * 3000) for n in range(200) for end in ("jpg", "txt")]
    (folder / "a.tar").write_bytes(tar_bytes(members))
    return folder / "a.tar"


def read(url: str, columns=None) -> tuple[int, list[str]]:
    """Return the number of rows, and the reasons why some are not read."""
    rows, why = 0, []
    for batch in open_dataset([url]).batches(columns):
        rows += len(batch)
        if UNREAD in batch.schema.names:
            why += [one for one in batch.column(UNREAD).to_pylist() if one]
    return rows, why


def test_only_the_needed_parts_of_parquet_are_sent(web):
    path = parquet(web.folder)
    assert read(f"{web.address}/a.parquet", ["url"]) == (40_000, [])
    about = pq.read_metadata(path)
    groups = [about.row_group(number).column(0) for number in range(about.num_row_groups)]
    needed = sum(column.total_compressed_size for column in groups) + about.serialized_size
    assert needed <= web.sent <= needed + 8 * ranges.FIRST
    assert web.sent < path.stat().st_size / 5


def test_a_text_is_sent_once(web):
    path = csv(web.folder)
    opened = open_dataset([f"{web.address}/a.csv"])
    web.asked.clear()
    assert sum(map(len, opened.batches())) == 20_000
    assert web.sent <= path.stat().st_size + ranges.FIRST


def test_a_few_faults_are_passed_over(web):
    csv(web.folder)
    web.fault = lambda path, number: (503, "cut", "reset", None)[number % 4]
    assert read(f"{web.address}/a.csv") == (20_000, [])


@pytest.mark.parametrize("fault", [503, "reset", "cut"])
def test_the_rest_of_a_text_is_unread(web, monkeypatch, fault):
    monkeypatch.setattr(ranges, "REQUEST", ranges.FIRST)
    csv(web.folder)
    opened = open_dataset([f"{web.address}/a.csv"])
    web.fault = lambda path, number: fault if number > 12 else None
    rows = list(opened.batches())
    assert sum(map(len, rows)) < 20_000
    (why,) = rows[-1].column(UNREAD).to_pylist()
    assert "503" in why if fault == 503 else "a.csv cannot be read" in why


def test_groups_of_parquet_after_a_fault_are_unread(web):
    parquet(web.folder)
    opened = open_dataset([f"{web.address}/a.parquet"])
    web.asked.clear()
    web.fault = lambda path, number: 503 if number > 2 else None
    rows = list(opened.batches())
    assert sum(map(len, rows)) == 40_000
    assert any(UNREAD in batch.schema.names for batch in rows)
    assert len(web.asked) < 40, "a server that is gone is not asked on and on"


def test_samples_of_a_tar_after_a_fault_are_unread(web, monkeypatch):
    monkeypatch.setattr(ranges, "REQUEST", ranges.FIRST)
    tar(web.folder)
    opened = open_dataset([f"{web.address}/a.tar"])
    web.fault = lambda path, number: "reset" if number > 30 else None
    rows = list(opened.batches())
    assert 1 < sum(map(len, rows)) < 202
    assert "cut off" in rows[-1].column(UNREAD).to_pylist()[-1]


@pytest.mark.parametrize("make", [csv, tar])
def test_without_ranges_what_is_read_from_its_start_is_read(web, make):
    path = make(web.folder)
    web.ranges = False
    rows, why = read(f"{web.address}/{path.name}")
    assert (rows, why) == ({"a.csv": 20_000, "a.tar": 200}[path.name], [])


def test_without_ranges_packed_lines_are_read(web):
    lines = "".join(json.dumps({"url": url}) + "\n" for url in URLS).encode()
    (web.folder / "a.jsonl.gz").write_bytes(gzip.compress(lines))
    web.ranges = False
    assert read(f"{web.address}/a.jsonl.gz") == (20_000, [])


@pytest.mark.parametrize("name", ["a.parquet", "a.zip", "a.arrow"])
def test_without_ranges_what_needs_its_end_is_refused(web, name):
    parquet(web.folder)
    (web.folder / "a.zip").write_bytes(zip_bytes({"1.jpg": b"\xff\xd8\xff"}))
    table = pa.table({"url": URLS})
    with pa.ipc.new_file(str(web.folder / "a.arrow"), table.schema) as writer:
        writer.write_table(table)
    web.ranges = False
    with pytest.raises(RegistryError, match="no ranges of bytes") as caught:
        read(f"{web.address}/{name}")
    assert "copy it to a local disk" in caught.value.hint
    assert len(web.asked) <= 2


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (302, "redirects without end", "later"),
        (404, "does not exist", "check the name"),
        (403, "no access", "credentials"),
        (401, "no access", "credentials"),
        (500, "answered 500", "later"),
    ],
)
def test_a_file_that_cannot_be_had_is_an_error_of_one_line(web, status, message, hint):
    csv(web.folder)
    web.fault = lambda path, number: status
    with pytest.raises(UnreadableDataset, match=message) as caught:
        open_dataset([f"{web.address}/a.csv"])
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message
    assert len(web.asked) <= (4 if status == 500 else 12)


def test_a_server_that_is_not_there(monkeypatch):
    monkeypatch.setattr(faults, "PAUSES", (0.0,))
    with pytest.raises(UnreadableDataset, match="cannot be read"):
        open_dataset(["http://127.0.0.1:1/a.parquet"])


def test_a_shard_that_is_missing_is_a_row(web):
    tar(web.folder)
    rows, why = read(f"{web.address}/{{a,b}}.tar")
    assert rows == 201
    assert "does not exist" in why[0]


@pytest.mark.parametrize("name", ["a b.csv", "100%.csv", "%41.csv", "what?.csv", "é#[1].csv"])
def test_odd_names_in_a_folder(web, name):
    csv(web.folder, 5).rename(web.folder / name)
    assert read(f"{web.address}/") == (5, [])


def test_a_query_is_no_part_of_a_name(web):
    csv(web.folder, 5)
    (web.folder / "a.tsv").write_text("url\thash\nhttps://a.example/1.jpg\tx\n")
    assert read(f"{web.address}/a.csv?download=true&next=//b")[0] == 5
    assert read(f"{web.address}/a.tsv?download=true")[0] == 1


def test_wildcards_follow_the_index_page(web):
    for folder in ("one", "two"):
        (web.folder / folder).mkdir()
        csv(web.folder, 5).rename(web.folder / folder / "a.csv")
    assert read(f"{web.address}/*/a*.csv") == (10, [])
    assert read(f"{web.address}/**/*.csv") == (10, [])
    with pytest.raises(UnreadableDataset, match="does not exist"):
        open_dataset([f"{web.address}/*/b*.csv"])


def test_a_subset_may_be_remote(web):
    uids = [f"{number:032x}" for number in range(4)]
    pq.write_table(pa.table({"uid": uids, "url": URLS[:4]}), web.folder / "a.parquet")
    np.save(web.folder / "s.npy", np.array([(0, 1), (0, 3)], "u8,u8"))
    opened = open_dataset([f"{web.address}/a.parquet", f"{web.address}/s.npy"])
    assert sum(map(len, opened.batches(["url"]))) == 2


def test_a_file_that_changes_is_noticed(web, tmp_path):
    path = csv(web.folder, 100)
    opened = open_dataset([f"{web.address}/a.csv"])
    before, first = states(opened.files), digest(opened.files)
    assert changed(before, opened.files) is None
    assert digest(opened.files) == first

    known = registry_of_works(tmp_path / "registry")

    def change(done, total):
        path.write_text(path.read_text().replace("1.jpg", "2.jpg", 1))

    with pytest.raises(UnreadableDataset, match=r"a\.csv changed while it was read"):
        check(
            opened,
            known,
            plan(opened),
            CheckOptions(workers=1),
            change,
        )
    assert digest(opened.files) != first


@pytest.mark.parametrize("make", [csv, parquet, tar])
def test_kept_rows_are_those_of_a_local_dataset(web, make, tmp_path):
    path = make(web.folder)
    for name in (str(path), f"{web.address}/{path.name}"):
        opened = open_dataset([name])
        kind = "local" if name == str(path) else "remote"
        writer = opened.keeper(tmp_path / f"{kind}{path.suffix}")
        for chunk in opened.chunks(list(opened.needed)):
            writer.write(chunk.batch.slice(0, 3), chunk.table)
        writer.close()
    kept = [(tmp_path / f"{kind}{path.suffix}").read_bytes() for kind in ("local", "remote")]
    assert kept[0] == kept[1]


def test_kept_pictures_are_copied(web, tmp_path):
    (web.folder / "in").mkdir()
    (web.folder / "in/1.jpg").write_bytes(b"\xff\xd8\xff one")
    (web.folder / "in/1.txt").write_bytes(b"a cat")
    opened = open_dataset([f"{web.address}/"])
    writer = opened.keeper(tmp_path / "kept")
    for chunk in opened.chunks(list(opened.needed)):
        writer.write(chunk.batch, chunk.table)
    writer.close()
    files = {file.name: file.read_bytes() for file in (tmp_path / "kept").rglob("*.*")}
    assert files == {"1.jpg": b"\xff\xd8\xff one", "1.txt": b"a cat"}
