"""Toy datasets: an invented format, which shows that one is a file of code and a sample.

A line holds an id, a space and the address of a picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from registry.datasets import FOLDER, NAME, files_in
from registry.datasets.tables import Tables, files_of_tables, opened_tables

SUFFIXES = (".toy",)


def sureness(path: Path) -> float:
    """Return the sureness, from 0 to 1, that a path is a toy dataset or a folder of some."""
    if path.is_dir():
        return FOLDER[NAME] if any(_is_toy(child) for child in files_in(path)) else 0
    return NAME if _is_toy(path) else 0


def open_files(paths: Sequence[Path], name: str) -> Tables:
    """Open toy files and folders of them as one dataset."""
    files, others = files_of_tables(paths, SUFFIXES)
    return Tables("toy", name, opened_tables(files, ToyTable), others, label="id")


class ToyTable:
    """The rows of one file."""

    rows: int | None = None
    schema = pa.schema([("id", pa.string()), ("url", pa.string())])

    def __init__(self, path: Path) -> None:
        self.path = path

    def batches(
        self, columns: Sequence[str] | None = None, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows from `first` on, in one batch."""
        lines = [line.partition(" ") for line in self.path.read_text("utf-8").splitlines()]
        ids, urls = [line[0] for line in lines], [line[2] for line in lines]
        batch = pa.record_batch([pa.array(ids), pa.array(urls)], self.schema)
        yield (batch if columns is None else batch.select(list(columns))).slice(first)


def _is_toy(path: Path) -> bool:
    return path.suffix == ".toy"
