"""Datasets of the package `datasets`, of which only public methods are used.

Pictures are compared as the files that the dataset holds: it is asked not to decode them. A picture
that is only named by its path is read where it is a local file; nothing is fetched.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.errors import RefusedFile
from registry.files import read_whole
from registry.guarding.row_check import RowCheck
from registry.guarding.rows import RowShape

Kind = Literal["table", "tables", "stream", "streams"]
_CLASSES: Mapping[str, Kind] = {
    "Dataset": "table",
    "DatasetDict": "tables",
    "IterableDataset": "stream",
    "IterableDatasetDict": "streams",
}
# Rows of a batch; with pictures fewer, since all their bytes are in memory.
_ROWS, _PICTURE_ROWS = 4096, 64
_STREAMED_ROWS, _FIRST_ROWS = 1024, 256


def kind_of(dataset: Any) -> Kind | None:
    """Return which class of the package a dataset is of; None for another object."""
    package = sys.modules.get("datasets")
    for name, kind in _CLASSES.items():
        if package and isinstance(dataset, getattr(package, name)):
            return kind
    return None


def guarded_table(dataset: Any, check: RowCheck) -> Any:
    """Check all rows of a dataset, and return it with those that are passed on."""
    pictures = _pictures(dataset.features)
    first = next(_batches(dataset, pictures), None)
    check.prepare(dataset.features.arrow_schema if first is None else first.schema, first)
    kept, number = [np.zeros(0, np.int64)], 0
    for batch in _batches(dataset, pictures):
        kept.append(number + np.flatnonzero(check.passing_batch(batch)))
        number += len(batch)
    check.close()
    places = np.concatenate(kept)
    return dataset if len(places) == number else dataset.select(places)


def _batches(dataset: Any, pictures: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows with all columns as they lie in the tables of the dataset."""
    rows = _PICTURE_ROWS if pictures or _holds_bytes(dataset.features) else _ROWS
    for table in dataset.with_format("arrow").iter(batch_size=rows):
        for batch in table.combine_chunks().to_batches():
            yield _with_files(batch, pictures)


def guarded_stream(dataset: Any, check: RowCheck) -> Any:
    """Return a streamed dataset that passes on rows as they are read.

    Its first rows are read now: they show the columns, which are the same in all processes.
    """
    features, formatting = dataset.features, getattr(dataset, "_formatting", None)
    plain = dataset.with_format(None)
    if features is not None:
        plain = plain.decode(False)
    first = next(iter(plain.iter(batch_size=_FIRST_ROWS)), None)
    rows = [] if first is None else _rows(first)
    shape = RowShape.of(rows) if features is None else RowShape(features.arrow_schema)
    stream = _Stream(check, shape, _pictures(features))
    if rows or features is not None:
        check.prepare(shape.schema, stream.batch(rows))
    many = _PICTURE_ROWS if stream.pictures else _STREAMED_ROWS
    guarded = plain.filter(stream, batched=True, batch_size=many)
    if plain.features != features:
        guarded = guarded.map(features.decode_example, features=features)
    return guarded.with_format(formatting.format_type) if formatting else guarded


class _Stream:
    """The function that the filter of a streamed dataset calls with each batch."""

    def __init__(self, check: RowCheck, shape: RowShape, pictures: Sequence[str]) -> None:
        self._check, self._shape, self.pictures = check, shape, pictures

    def batch(self, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
        """Return rows as a batch."""
        return _with_files(self._shape.batch(rows), self.pictures)

    def __call__(self, columns: Mapping[str, Sequence[Any]]) -> list[bool]:
        """Return for each row whether it is passed on."""
        rows = _rows(columns)
        passing = self._check.passing_batch(self.batch(rows), rows.__getitem__)
        return [bool(one) for one in passing]


def _rows(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _pictures(features: Any) -> list[str]:
    """Return the columns of pictures."""
    image = sys.modules["datasets"].Image
    return [name for name, one in (features or {}).items() if isinstance(one, image)]


def _holds_bytes(features: Any) -> bool:
    return any(getattr(one, "dtype", "") in ("binary", "large_binary") for one in features.values())


def _with_files(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    """Return rows with the bytes of the pictures that are local files, named by their path."""
    for name in names:
        place = batch.schema.get_field_index(name)
        column = batch.column(place)
        content, path = (pc.struct_field(column, part) for part in ("bytes", "path"))
        named = pc.and_(pc.is_null(content), pc.is_valid(path))
        if not pc.any(named).as_py():
            continue
        values = column.to_pylist()
        for row in np.flatnonzero(named.to_numpy(zero_copy_only=False)).tolist():
            values[row]["bytes"] = _content(values[row]["path"])
        batch = batch.set_column(place, batch.schema.field(place), pa.array(values, column.type))
    return batch


def _content(path: str) -> bytes | None:
    if "://" in path or "::" in path:
        return None
    with suppress(OSError, RefusedFile, ValueError):
        return read_whole(Path(path))
    return None
