"""Datasets of every format get the same answers from S3 and a web server as from the disk."""

from pathlib import Path

import pyarrow as pa
import pytest
from layout_parts import RESERVED, ROWS, registry_of_works
from layouts import LAYOUTS
from remote_servers import GoogleStore, Hub, contents, put, s3_server, store, web_server

from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.datasets.remote import faults, places
from registry.errors import UnreadableDataset
from registry.plugins import discover

SAMPLES = Path(__file__).parents[1] / "samples"
FORMATS = sorted(discover("registry.datasets.formats"))
# At least one of each format, with its neighbours, captions, patterns and packings.
CHOSEN = (
    *("webdataset_packed", "webdataset_in_braces", "img2dataset_webdataset_without_json"),
    *("diffusiondb_zip", "a_digest_in_the_json_of_a_file", "imagefolder_with_metadata"),
    *("csv_file", "tsv_without_header", "json_lines", "hive_folders", "json_array"),
    *("arrow_file", "saved_to_disk"),
)
PLACES = ("s3", "http")


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch):
    monkeypatch.setattr(faults, "PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    return registry_of_works(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with web_server(tmp_path_factory.mktemp("web")) as server:
        yield server


@pytest.fixture(scope="module")
def s3():
    pytest.importorskip("moto", reason="needs moto[s3] and flask")
    pytest.importorskip("s3fs", reason="needs the extra remote")
    with pytest.MonkeyPatch.context() as patch, s3_server() as address:
        for name, value in (("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "x")):
            patch.setenv(f"AWS_{name}", value)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", address)
        places._place.cache_clear()
        yield
    places._place.cache_clear()


@pytest.fixture(params=PLACES)
def base_of(request, tmp_path):
    """Return a function: files of a folder get a base URL."""
    pytest.importorskip("fsspec", reason="needs the extra remote")
    if request.param == "http":
        web = request.getfixturevalue("web")
        return lambda folder: (web.again(folder), web.address)[1]
    request.getfixturevalue("s3")
    bucket = f"b-{abs(hash(request.node.name))}"
    return lambda folder: (put(bucket, folder), f"s3://{bucket}")[1]


def table(name: str) -> pa.Table:
    opened = open_dataset([name])
    rows = pa.Table.from_batches(opened.batches(), opened.schema)
    return rows.drop_columns([one for one in rows.column_names if one == "file"])


@pytest.mark.parametrize("name", FORMATS)
def test_a_sample_is_the_same(name, base_of):
    remote = f"{base_of(SAMPLES / name)}/"
    opened, local = open_dataset([remote]), open_dataset([str(SAMPLES / name)])
    assert opened.format == local.format == name
    assert len(opened.files) == len(local.files)
    assert [str(one) for one in opened.left_out] == [str(one) for one in local.left_out]
    assert table(remote) == table(str(SAMPLES / name))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", [GoogleStore, Hub], ids=["gs", "hf"])
def test_a_sample_is_the_same_in_other_stores(name, kind, monkeypatch):
    pytest.importorskip("gcsfs" if kind is GoogleStore else "huggingface_hub")
    files = {f"data/{path}": content for path, content in contents(SAMPLES / name).items()}
    with store(kind, files) as address:
        if kind is GoogleStore:
            monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
            url = "gs://bucket/data"
        else:
            monkeypatch.setenv("HF_ENDPOINT", address)
            url = "hf://datasets/owner/name/data"
        places._place.cache_clear()
        assert table(url) == table(str(SAMPLES / name))
        if name == "csv":
            assert open_dataset([f"{url[:-1]}?/s*.csv"]).files
    places._place.cache_clear()


@pytest.mark.parametrize("case", [c for c in LAYOUTS if c.name in CHOSEN], ids=lambda c: c.name)
def test_a_layout_gets_its_answer(case, base_of, tmp_path, snapshot):
    folder = tmp_path / "data"
    folder.mkdir()
    named = case.write(folder).relative_to(folder)
    url = base_of(folder)
    opened = open_dataset([url + "/" if str(named) == "." else f"{url}/{named}"])
    report = check(opened, snapshot, plan(opened), CheckOptions(workers=1))
    assert report.tally.outcomes["reserved"] == len(RESERVED)
    assert report.tally.outcomes["clear"] == ROWS - len(RESERVED)
    assert report.exit_code == 1


def test_all_chosen_layouts_exist():
    assert {one.name for one in LAYOUTS}.issuperset(CHOSEN)


@pytest.mark.parametrize("name", ["a b.csv", "100%.csv", "%41.csv", "what?.csv", "é#[1]+.csv"])
def test_odd_names_in_s3(name, s3, tmp_path):
    rows = b"url,words\nhttps://a.example/1.jpg,x\nhttps://a.example/2.jpg,y\n"
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / name).write_bytes(rows)
    put("odd-names", tmp_path)
    for url in (f"s3://odd-names/d/{name}", "s3://odd-names/d", "s3://odd-names/d/*.csv"):
        assert table(url).num_rows % 2 == 0
    assert len(open_dataset([f"s3://odd-names/d/{name}"]).files) == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://no-such-bucket/a.csv", "does not exist"),
        ("s3://no-such-bucket/*.csv", "does not exist"),
        ("s3://odd-names/none.csv", "does not exist"),
        ("s3://_/a.csv", "cannot be read|does not exist"),
        ("s3://", "cannot be read|does not exist|names no bucket"),
        ("s3://*/a.csv", "names no bucket|does not exist"),
    ],
)
def test_names_of_nothing_in_s3(url, message, s3):
    with pytest.raises(UnreadableDataset, match=message) as caught:
        open_dataset([url])
    assert "\n" not in caught.value.message
    assert caught.value.hint
