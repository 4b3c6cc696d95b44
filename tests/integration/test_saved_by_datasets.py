"""Folders of `save_to_disk` of the real package: the kept folder opens with `load_from_disk`."""

import io

import pyarrow as pa
import pytest
from PIL import Image

from registry.datasets import open_dataset
from registry.datasets.hidden import ROW

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def picture(number):
    content = io.BytesIO()
    Image.new("RGB", (4, 4), (number, 0, 0)).save(content, "PNG")
    return {"bytes": content.getvalue(), "path": f"{number}.png"}


FEATURES = datasets.Features(
    {
        "url": datasets.Value("string"),
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=["cat", "dog"]),
        "boxes": datasets.List({"x": datasets.Value("float32"), "y": datasets.Value("int64")}),
        "grid": datasets.Array2D((2, 2), "uint8"),
        "tags": datasets.List(datasets.Value("large_string")),
    }
)


def made(rows, split=None):
    """Return a dataset with the URLs u0, u1, ..."""
    table = {
        "url": [f"u{n}" for n in rows],
        "image": [picture(n) for n in rows],
        "label": [n % 2 for n in rows],
        "boxes": [[{"x": 0.5, "y": n}] * (n % 3) for n in rows],
        "grid": [[[n, 1], [2, 3]] for n in rows],
        "tags": [[f"t{n}"] for n in rows],
    }
    return datasets.Dataset.from_dict(table, features=FEATURES, split=split)


def kept(folder, out, keep):
    """Write the rows whose URLs `keep` takes, as a check does."""
    dataset = open_dataset([str(folder)])
    assert dataset.format == "saved"
    writer = dataset.keeper(out)
    urls = []
    for chunk in dataset.chunks(["url", ROW]):
        own = chunk.batch.column("url").to_pylist()
        urls += own
        writer.write(chunk.batch.filter(pa.array(map(keep, own), pa.bool_())), chunk.table)
    writer.close()
    return urls


def is_odd(url):
    return int(url[1:]) % 2 == 1


@pytest.mark.parametrize("shards", [1, 3])
def test_a_kept_dataset_is_loaded(tmp_path, shards):
    given = made(range(20), "train").with_format("numpy", columns=["url", "label"])
    given.save_to_disk(tmp_path / "given", num_shards=shards)
    assert kept(tmp_path / "given", tmp_path / "kept", is_odd) == [f"u{n}" for n in range(20)]
    loaded = datasets.load_from_disk(tmp_path / "kept")
    expected = datasets.load_from_disk(tmp_path / "given")
    assert loaded.features == expected.features
    assert loaded.format == expected.format
    assert loaded.split == "train"
    assert loaded._fingerprint != expected._fingerprint
    assert len(loaded.cache_files) == shards
    rows = expected.with_format(None).filter(is_odd, input_columns="url")
    assert loaded.with_format(None).to_list() == rows.to_list()
    assert loaded.with_format(None)[0]["image"].getpixel((0, 0)) == (1, 0, 0)
    assert len(loaded.filter(lambda url: True, input_columns="url")) == 10


def test_a_kept_dictionary_of_datasets_is_loaded(tmp_path):
    splits = {"train": made(range(10), "train"), "test": made(range(10, 13), "test")}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "given", num_shards={"train": 2})
    read = kept(tmp_path / "given", tmp_path / "kept", is_odd)
    assert read == [f"u{n}" for n in range(13)]
    loaded = datasets.load_from_disk(tmp_path / "kept")
    assert list(loaded) == ["train", "test"]
    assert loaded["train"]["url"][:] == ["u1", "u3", "u5", "u7", "u9"]
    assert loaded["test"]["url"][:] == ["u11"]
    assert loaded["test"].features == FEATURES


def test_sizes_of_splits_are_those_of_the_kept_rows(tmp_path):
    made(range(10)).to_parquet(tmp_path / "a.parquet")
    given = datasets.load_dataset(
        "parquet",
        data_files={"train": str(tmp_path / "a.parquet"), "test": str(tmp_path / "a.parquet")},
        cache_dir=str(tmp_path / "cache"),
    )
    given.save_to_disk(tmp_path / "given")
    kept(tmp_path / "given", tmp_path / "kept", lambda url: url == "u7")
    loaded = datasets.load_from_disk(tmp_path / "kept")
    for split in ("train", "test"):
        info = loaded[split].info
        assert [one.num_examples for one in info.splits.values()] == [1, 1]
        assert info.dataset_size == sum(one.num_bytes for one in info.splits.values())
        assert info.dataset_size < given[split].info.dataset_size
        assert info.size_in_bytes == info.dataset_size + info.download_size
        assert info.builder_name == "parquet"


def test_nothing_kept_is_a_dataset_without_rows(tmp_path):
    made(range(4)).save_to_disk(tmp_path / "given", num_shards=2)
    kept(tmp_path / "given", tmp_path / "kept", lambda url: False)
    loaded = datasets.load_from_disk(tmp_path / "kept")
    assert len(loaded) == 0
    assert loaded.features == FEATURES
