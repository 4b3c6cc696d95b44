"""Every dataset format is held to one contract, on its sample in tests/samples/NAME/."""

import shutil
from types import SimpleNamespace

import pyarrow as pa
import pytest
from sources import ROOT

from registry import datasets
from registry.datasets import CONTENT, FOLDER, NAME, open_dataset
from registry.errors import RegistryError, UnreadableDataset
from registry.plugins import discover

SAMPLES = ROOT / "tests/samples"
FORMATS = discover("registry.datasets.formats")


@pytest.fixture(params=FORMATS)
def dataset(request):
    folder = SAMPLES / request.param
    assert folder.is_dir() and any(folder.iterdir()), (  # noqa: PT018 (one rule)
        f"put a small sample of the format {request.param} (2 rows or more) into {folder}"
    )
    opened = open_dataset([str(folder)])
    assert opened.format == request.param
    return opened


def test_rows_are_those_announced(dataset):
    table = pa.Table.from_batches(dataset.batches(), dataset.schema)
    assert table.num_rows >= 2
    assert dataset.rows in (None, table.num_rows)


def test_rows_come_in_one_order(dataset):
    assert list(dataset.batches()) == list(dataset.batches())


def test_columns_can_be_chosen(dataset):
    whole = pa.Table.from_batches(dataset.batches(), dataset.schema)
    for name in dataset.schema.names:
        alone = pa.Table.from_batches(dataset.batches([name]))
        assert alone.column_names == [name]
        assert alone[name].to_pylist() == whole[name].to_pylist()


def test_writes_its_rows_whole(dataset, tmp_path):
    target = tmp_path / "rows"
    writer = dataset.writer(target, dataset.schema)
    for batch in dataset.batches():
        writer.write(batch)
    assert not target.exists(), "a file has its name only when it is whole"
    writer.close()
    written = pa.Table.from_batches(open_dataset([str(target)]).batches())
    whole = pa.Table.from_batches(dataset.batches(), dataset.schema)
    assert written.equals(whole.select(written.column_names))
    assert list(tmp_path.iterdir()) == [target]


def test_leaves_nothing_of_an_abandoned_file(dataset, tmp_path):
    writer = dataset.writer(tmp_path / "rows", dataset.schema)
    writer.write(next(iter(dataset.batches())))
    writer.abandon()
    assert not list(tmp_path.iterdir())


def test_is_never_written_over(dataset):
    for path in dataset.files:
        before = path.read_bytes()
        with pytest.raises(RegistryError):
            dataset.writer(path, dataset.schema)
        assert path.read_bytes() == before


def test_cannot_be_written_into_nowhere(dataset, tmp_path):
    with pytest.raises(RegistryError):
        dataset.writer(tmp_path / "none" / "rows", dataset.schema)


def test_samples_belong_to_a_format():
    assert {path.name for path in SAMPLES.iterdir() if path.is_dir()} == set(FORMATS)


def toy(sure):
    """A format that is `sure` of everything and opens nothing."""

    def refuse(paths, name):
        raise AssertionError("the wrong format was taken")

    return SimpleNamespace(sureness=lambda path: sure, open_files=refuse)


def test_the_surest_format_wins_not_the_first_by_name(tmp_path, monkeypatch):
    shutil.copytree(SAMPLES / "parquet", tmp_path / "data")
    (tmp_path / "data/meta.jsonl").write_text("{}")
    formats = {"a_lines": toy(FOLDER[NAME]), **FORMATS, "z_lines": toy(FOLDER[NAME])}
    monkeypatch.setattr(datasets, "discover", lambda package, needs: formats)
    assert open_dataset([str(tmp_path / "data")]).format == "parquet"
    (file,) = (tmp_path / "data").glob("*.parquet")
    assert open_dataset([str(file)]).format == "parquet"
    formats["another"] = toy(FOLDER[CONTENT])
    with pytest.raises(UnreadableDataset, match="another"):
        open_dataset([str(tmp_path / "data")])
