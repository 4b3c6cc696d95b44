"""What `import registry` refuses: each argument that would do nothing, or something else."""

import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import Made

import registry
from registry.errors import DatabaseUnavailable, RegistryError, UnreadablePicture, UsageError
from registry.model import Evidence

URL = "https://a.example/1.jpg"


@pytest.fixture
def snapshot(tmp_path):
    made = Made()
    made.observe(URL, [made.headers("noai", url=URL)])
    return made.snapshot(tmp_path)


@pytest.fixture
def dataset(tmp_path):
    path = tmp_path / "dataset.parquet"
    pq.write_table(pa.table({"LINK": [URL]}), path)
    return path


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence("htm", "page", URL, text="x"),
        Evidence("html", "page", URL, lines=(("robots", "noai"),)),
        Evidence("headers", "image", URL, text="X-Robots-Tag: noai"),
    ],
)
def test_evidence_that_no_reader_reads(evidence):
    with pytest.raises(UsageError):
        registry.read(evidence)


def test_the_name_of_a_picture_is_not_its_bytes():
    with pytest.raises(UsageError, match="bytes"):
        registry.fingerprint("cat.jpg")


@pytest.mark.parametrize("dataset", [[], b"dataset.parquet", None, [3], ""])
def test_no_dataset(dataset, snapshot):
    with pytest.raises((UsageError, TypeError)):
        registry.check(dataset, snapshot)


@pytest.mark.parametrize(
    "options",
    [
        {"workers": 0},
        {"out": ""},
        {"columns": {"urll": ["LINK"]}},
        {"columns": {"url": "LINK"}},
        {"columns": {"url": ["LINK"], "page_url": ["LINK"]}},
        {"policy": "strict"},
    ],
)
def test_options_of_a_check(options, dataset, snapshot):
    with pytest.raises(UsageError):
        registry.check(dataset, snapshot, **options)


def test_a_path_is_looked_up(snapshot):
    picture = Path("demo/site/www/pictures/cat.jpg")
    assert registry.lookup(picture, snapshot).kind == "picture"
    with pytest.raises(UsageError):
        registry.lookup(3, snapshot)


@pytest.mark.parametrize(
    "error",
    [
        UsageError("a", "b"),
        UsageError("a"),
        DatabaseUnavailable("a"),
        UnreadablePicture("broken", "a", "b"),
    ],
)
def test_errors_cross_between_processes(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.hint, vars(copy)) == (str(error), error.hint, vars(error))


def test_errors_are_at_hand():
    assert issubclass(registry.errors.UsageError, RegistryError)
