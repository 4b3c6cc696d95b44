"""Toy datasets: an invented format, which shows that one is a file of code and a sample.

A line holds an id, a space and the address of a picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from registry.datasets import FOLDER, NAME, files_in, refuse_own_files
from registry.datasets._left_out import SkippedFiles
from registry.datasets.parquet_writer import ParquetRowWriter


def sureness(path: Path) -> float:
    """Return the sureness, from 0 to 1, that a path is a toy dataset or a folder of some."""
    if path.is_dir():
        return FOLDER[NAME] if any(_is_toy(child) for child in files_in(path)) else 0
    return NAME if _is_toy(path) else 0


def open_files(paths: Sequence[Path], name: str) -> ToyDataset:
    """Open toy files and folders of them as one dataset."""
    found = (files_in(path) if path.is_dir() else [path] for path in paths)
    return ToyDataset([file for files in found for file in files if _is_toy(file)], name)


class ToyDataset:
    """Rows of toy files, in the order of the files."""

    format = "toy"
    label: str | None = "id"

    def __init__(self, files: Sequence[Path], name: str) -> None:
        self.name = name
        self.files = tuple(files)
        self.left_out: Sequence[SkippedFiles] = ()
        self.rows: int | None = None
        self.schema = pa.schema([("id", pa.string()), ("url", pa.string())])

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield a batch of rows for each file."""
        for file in self.files:
            lines = [line.partition(" ") for line in file.read_text("utf-8").splitlines()]
            ids, urls = [line[0] for line in lines], [line[2] for line in lines]
            batch = pa.record_batch([pa.array(ids), pa.array(urls)], self.schema)
            yield batch if columns is None else batch.select(list(columns))

    def writer(self, path: Path, schema: pa.Schema) -> ParquetRowWriter:
        """Return a writer of Parquet; refuse to write over the dataset itself."""
        refuse_own_files(path, self.files)
        return ParquetRowWriter(path, schema)


def _is_toy(path: Path) -> bool:
    return path.suffix == ".toy"
