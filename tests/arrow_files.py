"""Arrow IPC files for tests: of every type, written whole or damaged on purpose."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from registry.datasets.arrow.batches import ArrowFile

KINDS = {"file": pa.ipc.new_file, "stream": pa.ipc.new_stream}


def write(
    path: Path,
    batches: Sequence[pa.RecordBatch],
    kind: str = "stream",
    codec: str | None = None,
    **options: Any,
) -> Path:
    """Write record batches to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = pa.ipc.IpcWriteOptions(compression=codec, **options)
    with (
        pa.OSFile(str(path), "wb") as sink,
        KINDS[kind](sink, batches[0].schema, options=own) as writer,
    ):
        for batch in batches:
            writer.write_batch(batch)
    return path


def urls(rows: int, size: int, **columns: pa.Array) -> list[pa.RecordBatch]:
    """Return batches of `size` rows with the URLs u0, u1, ..."""
    table = pa.table({"url": [f"u{number}" for number in range(rows)], **columns})
    return table.to_batches(max_chunksize=size)


def read(path: Path) -> pa.RecordBatchReader:
    """Open a file with Arrow itself."""
    data = pa.py_buffer(path.read_bytes())
    if ArrowFile(path).is_file:
        reader = pa.ipc.open_file(data)
        batches = [reader.get_batch(n) for n in range(reader.num_record_batches)]
        return pa.RecordBatchReader.from_batches(reader.schema, batches)
    return pa.ipc.open_stream(data)


def places(path: Path) -> list[tuple[int, int]]:
    """Return where the bytes of each record batch start and end."""
    groups = ArrowFile(path).groups()
    return [(group.batch.start, group.batch.end) for group in groups if group.batch]


def damage(path: Path, start: int, content: bytes) -> None:
    """Overwrite some bytes of a file."""
    with path.open("r+b") as file:
        file.seek(start)
        file.write(content)


def of_every_type() -> dict[str, pa.Array]:
    """Return four rows of each type."""
    letters = pa.array(["a" * 20, "b"])
    views = pa.array(["a" * 20, None, "", "c"], pa.string_view())
    lists = [["a" * 20], None, [], ["b", None]]
    numbers = pa.array([0, 0, 1, 1], pa.int8())
    union = pa.UnionArray.from_sparse(
        pa.array([0, 1, 0, 1], pa.int8()), [pa.array([1, 2, 3, 4]), pa.array([*"wxyz"])]
    )
    return {
        "null": pa.nulls(4),
        "string_view": views,
        "binary_view": views.cast(pa.binary()).cast(pa.binary_view()),
        "large_string": views.cast(pa.large_string()),
        "list_view": pa.array(lists, pa.list_view(pa.string())),
        "large_list_view": pa.array(lists, pa.large_list_view(pa.string_view())),
        "large_list": pa.array(lists, pa.large_list(pa.string())),
        "list_of_views": pa.array(lists, pa.list_(pa.string_view())),
        "struct": pa.array([{"x": None, "y": 1}] * 4),
        "map": pa.array([[("a", 1)]] * 4, pa.map_(pa.string(), pa.int32())),
        "pairs": pa.array([[1, 2]] * 4, pa.list_(pa.int32(), 2)),
        "runs": pa.RunEndEncodedArray.from_arrays([2, 4], letters),
        "runs_of_dictionary": pa.RunEndEncodedArray.from_arrays(
            [2, 4], letters.dictionary_encode()
        ),
        "union": union,
        "list_of_unions": pa.ListArray.from_arrays([0, 1, 2, 3, 4], union),
        "dictionary": pa.DictionaryArray.from_arrays(numbers, letters),
        "dictionary_of_views": pa.DictionaryArray.from_arrays(
            numbers, letters.cast(pa.string_view())
        ),
        "dictionary_in_list": pa.array([["a"], ["b"], None, []]).cast(
            pa.list_(pa.dictionary(pa.int32(), pa.string()))
        ),
        "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16] * 4, pa.binary(16))),
        "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}"] * 4)),
        "tensor": pa.FixedShapeTensorArray.from_numpy_ndarray(np.zeros((4, 2, 2), np.uint8)),
        "opaque": pa.ExtensionArray.from_storage(
            pa.opaque(pa.int32(), "a type", "a vendor"), pa.array([1, 2, 3, 4], pa.int32())
        ),
        "interval": pa.array([pa.MonthDayNano([1, 2, 3])] * 4),
        "duration": pa.array([datetime.timedelta(1)] * 4),
        "time": pa.array([datetime.datetime(2020, 1, 1)] * 4),
        "half": pa.array([1.5] * 4, pa.float16()),
        "decimal": pa.array([decimal.Decimal("1.1")] * 4, pa.decimal256(50, 2)),
        "nothing": pa.array([{}] * 4, pa.struct([])),
    }
