"""Every format, whatever it holds, gets its answer on the disk, in S3 and by HTTPS alike."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layout_parts import RESERVED, ROWS, registry_of_works
from matrix import HOLDS, WRITERS
from remote_servers import (
    GoogleStore,
    Hub,
    contents,
    put,
    s3_server,
    self_signed,
    store,
    web_server,
)

from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.datasets.remote import faults, places
from registry.errors import UnreadableDataset
from registry.plugins import discover

SAMPLES = Path(__file__).parents[1] / "samples"
FORMATS = sorted(discover("registry.datasets.formats"))
TRUTH = ["reserved" if row in RESERVED else "clear" for row in range(ROWS)]
PLACES = ("s3", "https")


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch):
    monkeypatch.setattr(faults, "PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    return registry_of_works(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def web(certificate, tmp_path_factory):
    """Serve by TLS; the certificate is trusted by this process."""
    connector = pytest.importorskip("aiohttp.connector", reason="needs the extra remote")
    connector._SSL_CONTEXT_VERIFIED.load_verify_locations(certificate)
    with web_server(tmp_path_factory.mktemp("web"), certificate) as server:
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
    if request.param == "local":
        return str
    if request.param == "https":
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


@pytest.mark.parametrize("base_of", ["local", *PLACES], indirect=True)
@pytest.mark.parametrize("holds", HOLDS)
@pytest.mark.parametrize("kind", WRITERS)
def test_a_format_gets_its_answer_from_what_it_holds(kind, holds, base_of, tmp_path, snapshot):
    folder = tmp_path / "data"
    folder.mkdir()
    names = WRITERS[kind](folder, holds)
    base = base_of(folder)
    opened = open_dataset([f"{base}/{name}" for name in names])
    out = tmp_path / "rows.parquet"
    report = check(opened, snapshot, plan(opened), CheckOptions(workers=1, out=out))
    assert pq.read_table(out)["optout_outcome"].to_pylist() == TRUTH
    assert report.exit_code == 1
    (way,) = report.tally.matched_by
    assert way == {"urls": "url", "digests": "digest"}.get(holds, "fingerprint")


def test_a_certificate_of_ones_own_is_trusted_or_named(
    web, certificate, tmp_path, snapshot, run, monkeypatch
):
    (tmp_path / "data").mkdir()
    (name,) = WRITERS["csv"](tmp_path / "data", "urls")
    url = f"{web.again(tmp_path / 'data').address}/{name}"
    refused = run("registry", "check", url, "--snapshot", snapshot.path)
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "certificate" in refused.stderr
    assert "Traceback" not in refused.stderr
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert run("registry", "check", url, "--snapshot", snapshot.path).returncode == 1


def test_every_format_is_in_the_matrix():
    assert set(FORMATS) <= set(WRITERS)


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
