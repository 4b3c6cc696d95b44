"""Samples are those that the package webdataset reads, also of the kept shard, where installed."""

import io
import json
import random
import warnings

import pyarrow as pa
import pytest
from tar_files import JPEG

from registry.datasets import open_dataset

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    wds = pytest.importorskip("webdataset")
# Where the package read a sample.
OF_PACKAGE = ("__url__", "__local_path__")


def read_by_package(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            {
                name: value
                for name, value in sample.items()
                if name not in ("__url__", "__local_path__")
            }
            for sample in wds.WebDataset(str(path), shardshuffle=False)
        ]


def samples(number, seed):
    rng = random.Random(seed)
    for place in range(number):
        sample = {"__key__": f"{'x/' * rng.randrange(3)}{seed}-{place:06d}"}
        sample["jpg"] = JPEG + rng.randbytes(rng.randrange(3000))
        if rng.random() < 0.7:
            sample["left.PNG"] = rng.randbytes(600)
        if rng.random() < 0.7:
            sample["txt"] = f"é {place}"
        sample["json"] = {"url": f"https://a.example/{place}.jpg", "width": place}
        yield sample


def write(path, items):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream = io.BytesIO()
        with wds.TarWriter(stream, encoder=encoded) as writer:
            for sample in items:
                writer.write(sample)
    path.write_bytes(stream.getvalue())


def encoded(sample):
    """Return a sample with bytes, as the package's own encoder makes them."""
    texts = {"txt": str.encode, "json": lambda value: json.dumps(value).encode()}
    return {name: texts[name](value) if name in texts else value for name, value in sample.items()}


def in_columns(sample):
    """Return the pictures and the text of a sample as the columns hold them."""
    return {
        "__key__": sample["__key__"],
        "jpg": sample["jpg"],
        "left.png": sample.get("left.png"),
        "txt": sample["txt"].decode() if "txt" in sample else None,
    }


@pytest.mark.parametrize("seed", range(3))
def test_samples_are_those_of_the_package(tmp_path, seed):
    for number in range(2):
        write(tmp_path / f"{number:05d}.tar", samples(300, seed + 10 * number))
    theirs = read_by_package(tmp_path / "{00000..00001}.tar")
    dataset = open_dataset([str(tmp_path / "{00000..00001}.tar")])
    names = ["__key__", "jpg", "left.png", "txt"]
    ours = [row for batch in dataset.batches(names) for row in batch.to_pylist()]
    assert ours == [in_columns(sample) for sample in theirs]

    rng = random.Random(seed)
    keep = {sample["__key__"] for sample in theirs if rng.random() < 0.5}
    writer = dataset.keeper(tmp_path / "kept")
    for chunk in dataset.chunks([*dataset.needed]):
        mask = [key in keep for key in chunk.batch.column("__key__").to_pylist()]
        writer.write(chunk.batch.filter(pa.array(mask)), chunk.table)
    writer.close()
    kept = read_by_package(tmp_path / "kept/{00000..00001}.tar")
    assert kept == [sample for sample in theirs if sample["__key__"] in keep]
