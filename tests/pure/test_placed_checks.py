"""A check that an engine places gives the bytes of one that is made here."""

import io
import json
import pickle
import tarfile
from concurrent.futures import Future
from dataclasses import replace

import killing
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from drawn import draw
from process_engine import Here, Processes

import registry.engines
from registry import errors
from registry.checking import placing, run
from registry.checking.jobs import check_unit
from registry.checking.placing import Placement
from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.cli.check import command
from registry.datasets import open_dataset, units
from registry.datasets.formats import parquet
from registry.datasets.pictures import rows as picture_rows
from registry.datasets.units import Part

ROWS = 120
URLS = [f"https://{'art' if n % 7 == 0 else f'free{n}'}.example/{n}.jpg" for n in range(ROWS)]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Units of few rows, here; processes elsewhere have other sizes of batches."""
    monkeypatch.setattr(units, "UNIT_ROWS", 20)
    monkeypatch.setattr(units, "UNIT_BYTES", 2_000)
    monkeypatch.setattr(parquet, "BATCH_ROWS", 12)
    monkeypatch.setattr(picture_rows, "PART_FILES", 3)


def one_parquet(folder):
    pq.write_table(pa.table({"url": URLS}), folder / "data.parquet", row_group_size=5)
    return folder / "data.parquet"


def several(folder):
    (folder / "data").mkdir()
    for number in range(4):
        (folder / f"data/{number}.csv").write_text("\n".join(["url", *URLS[number::4]]))
    (folder / "data/2.csv").write_bytes(b"\0\0")
    return folder / "data"


def pictures(folder):
    (folder / "data").mkdir()
    for number in range(8):
        draw(number).save(folder / f"data/{number}.png")
    return folder / "data"


def tars(folder):
    (folder / "data").mkdir()
    for shard in range(3):
        with tarfile.open(folder / f"data/{shard}.tar", "w") as tar:
            for number in range(shard, ROWS, 3):
                meta = json.dumps({"url": URLS[number]}).encode()
                info = tarfile.TarInfo(f"{number:04}.json")
                info.size = len(meta)
                tar.addfile(info, io.BytesIO(meta))
    return folder / "data"


DATA = {"parquet": one_parquet, "csv": several, "pictures": pictures, "tar": tars}


def checked(data, art_snapshot, out, engine=None, keep=(), progress=lambda done, total: None):
    """Check, and return what the report says, but for the time."""
    dataset = open_dataset([str(data)])
    placement = Placement(engine, [str(data)]) if engine else None
    folder = out.with_name(out.name + ".unfinished") if out else None
    options = CheckOptions(out=out, keep=keep, progress=folder, placement=placement)
    report = check(dataset, art_snapshot, plan(dataset), options, progress).to_json()
    return {**report, "seconds": 0, "checked_at": ""}


def content(path):
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [file.read_bytes() for file in files if file.is_file()]


@pytest.fixture(scope="module")
def processes():
    engine = Processes(2)
    yield engine
    engine.close()


@pytest.mark.parametrize("keep", [(), ("clear", "unchecked")])
@pytest.mark.parametrize("name", DATA)
def test_the_result_has_the_bytes_of_a_check_here(tmp_path, art_snapshot, processes, name, keep):
    data = DATA[name](tmp_path)
    assert len(open_dataset([str(data)]).units()) > 1
    # A file of its own format where it is one, else a folder.
    suffix = data.suffix if keep else ".parquet"
    here, there = tmp_path / f"here{suffix}", tmp_path / f"there{suffix}"
    report = checked(data, art_snapshot, here, keep=keep)
    assert checked(data, art_snapshot, there, processes, keep) == report
    assert content(there) == content(here) != []
    assert not there.with_name(there.name + ".unfinished").exists()


def test_without_a_file_only_counts_come_back(tmp_path, art_snapshot):
    data = one_parquet(tmp_path)
    engine = Here()
    assert checked(data, art_snapshot, None, engine) == checked(data, art_snapshot, None)
    (job,) = engine.jobs
    (part,) = check_unit(job, [Part(0, 0, 10)])
    assert part.answers is None


@pytest.mark.parametrize("name", ["parquet", "csv"])
def test_work_of_a_killed_process_is_done_again(
    tmp_path, art_snapshot, monkeypatch, processes, name
):
    data = DATA[name](tmp_path)
    report = checked(data, art_snapshot, tmp_path / "here.parquet")
    monkeypatch.setattr(placing, "check_unit", killing.kill_process)
    ended = processes.ended
    assert checked(data, art_snapshot, tmp_path / "there.parquet", processes) == report
    assert killing.marker(data).exists()
    assert processes.ended == ended + 1
    assert content(tmp_path / "here.parquet") == content(tmp_path / "there.parquet")


class Stopped(Exception):
    pass


@pytest.mark.parametrize("first", [None, Here()], ids=["here", "placed"])
def test_an_interrupted_check_goes_on_here_or_there(tmp_path, art_snapshot, first):
    data, out = one_parquet(tmp_path), tmp_path / "out.parquet"
    report = checked(data, art_snapshot, tmp_path / "whole.parquet")

    def stop(done, total):
        if done >= 70:
            raise Stopped

    with pytest.raises(Stopped):
        checked(data, art_snapshot, out, first, progress=stop)
    assert not out.exists()
    rest = None if first else Here()
    seen = []
    assert checked(data, art_snapshot, out, rest, progress=lambda n, _: seen.append(n)) == report
    assert 50 < seen[0] <= 90
    assert content(out) == content(tmp_path / "whole.parquet")


@pytest.fixture
def job(tmp_path, art_snapshot):
    """A job, as values, that a check has sent."""
    engine = Here()
    checked(one_parquet(tmp_path), art_snapshot, None, engine)
    return pickle.loads(engine.jobs[0])


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"snapshot": "/nowhere/snapshot"}, errors.UnreadableSnapshot, "/nowhere/snapshot"),
        ({"digest": "0" * 64}, errors.UnreadableSnapshot, "another snapshot"),
        ({"names": ["/nowhere/data.parquet"]}, errors.UnreadableDataset, "does not exist"),
        ({"states": (1, [(1, 1)])}, errors.UnreadableDataset, "is not what it was"),
        ({"version": "0.0.1"}, errors.UsageError, "0.0.1"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_a_worker_does_not_see_is_an_error(job, change, error, text):
    found = check_unit(replace(job, **change).to_bytes(), [Part(0)])
    assert isinstance(found, error)
    assert found.message.startswith("on ")
    assert text in found.message
    assert found.hint
    sent = pickle.loads(pickle.dumps(found))
    assert (type(sent), sent.message, sent.hint) == (error, found.message, found.hint)


def test_an_error_of_a_worker_ends_the_check(tmp_path, art_snapshot, monkeypatch):
    class Other(Here):
        def sender(self, work, data):
            changed = replace(pickle.loads(data), snapshot="/nowhere")
            return super().sender(work, changed.to_bytes())

    data, out = one_parquet(tmp_path), tmp_path / "out.parquet"
    with pytest.raises(errors.UnreadableSnapshot, match="/nowhere"):
        checked(data, art_snapshot, out, Other())
    assert not out.exists()


def test_a_dataset_that_changes_meanwhile_is_noticed(tmp_path, art_snapshot):
    data, out = one_parquet(tmp_path), tmp_path / "out.parquet"

    def change(done, total):
        pq.write_table(pa.table({"url": URLS[:50]}), data, row_group_size=5)

    with pytest.raises(errors.UnreadableDataset, match="is not what it was"):
        checked(data, art_snapshot, out, Here(), progress=change)
    assert not out.exists()


def test_an_engine_that_fails_is_an_error_in_one_line(tmp_path, art_snapshot):
    class Failing(Here):
        errors = (LookupError,)

        def sender(self, work, data):
            def send(unit):
                future = Future()
                future.set_exception(LookupError("Traceback\n  many lines\nthe node is gone\n"))
                return future

            return send

    with pytest.raises(errors.EngineUnavailable, match=r"^Here gave up: the node is gone$"):
        checked(one_parquet(tmp_path), art_snapshot, None, Failing())


@pytest.mark.parametrize(("name", "package"), [("ray", "ray"), ("spark", "pyspark")])
def test_an_engine_that_is_not_installed_is_named(monkeypatch, name, package):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(errors.EngineUnavailable, match=f"extra {name}") as caught:
        registry.engines.connect(name)
    assert caught.value.hint == f"pip install 'optout-registry[{name}]'"


def test_an_unknown_engine_is_refused():
    with pytest.raises(errors.UsageError, match="is no engine"):
        registry.engines.connect("dask")


def test_nothing_listens_there():
    with pytest.raises(errors.EngineUnavailable, match=r"no Ray at 127\.0\.0\.1:1:"):
        registry.engines.refuse_silent("Ray", "127.0.0.1:1")
    registry.engines.refuse_silent("Ray", "auto")


def test_standard_input_cannot_be_read_elsewhere(monkeypatch):
    class Stdin:
        files = (run.STDIN,)

    with pytest.raises(errors.UsageError, match="standard input"):
        run.check(Stdin(), None, None, CheckOptions(placement=Placement(Here(), ["-"])))


def test_an_address_without_an_engine_is_refused(tmp_path):
    data = one_parquet(tmp_path)
    result = CliRunner().invoke(command, [str(data), "--address", "head:6379"])
    assert isinstance(result.exception, errors.UsageError)
    assert "--engine" in result.exception.message
