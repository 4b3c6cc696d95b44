"""Columns of more than one chunk: only what is asked for is verified, and what is altered is not.

Small snapshots are one chunk, which is verified as a whole.
"""

import os
import random
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from registry.errors import UnreadableSnapshot
from registry.snapshot.arrow_files import ArrowFile, written
from registry.snapshot.chunks import CHUNK, chunk_digests
from registry.snapshot.format import schema_of
from registry.snapshot.mapped import MappedArray, MappedFile

ROWS, FLIPS = 40_000, 300
WHEN = datetime(2026, 11, 1, tzinfo=UTC)


def table() -> pa.Table:
    def sometimes(number: int, value: object) -> object:
        return value if number % 5 else None

    rows = range(ROWS)
    values = {
        "id": [7 * n for n in rows],
        "source": [f"list {n % 3}" for n in rows],
        "url": [sometimes(n, f"https://a{n % 97}.example/{n}.jpg") for n in rows],
        "page_url": [None for _ in rows],
        "sha256": [sometimes(n + 1, n.to_bytes(32)) for n in rows],
        "md5": [None for _ in rows],
        "phash64": [sometimes(n + 2, n * 0x9E3779B97F4A7C15 % 2**64) for n in rows],
        "phash256": [None for _ in rows],
        "width": [sometimes(n + 3, n % 4000) for n in rows],
        "height": [n % 3000 for n in rows],
        "signals": [f"set {n % 11}" for n in rows],
        "since": [WHEN for _ in rows],
    }
    columns = [pa.array(values[field.name], field.type) for field in schema_of("claims")]
    return pa.Table.from_arrays(columns, schema=schema_of("claims"))


TABLE = table()
WHOLE = written(TABLE, "claims").to_pybytes()
DIGESTS = chunk_digests(WHOLE)


def mapped(folder: Path, content: bytes) -> MappedFile:
    path = folder / "claims"
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    opened = os.open(folder, os.O_RDONLY)
    try:
        return MappedFile(opened, "claims", path, len(content), DIGESTS)
    finally:
        os.close(opened)


def expected(row: int) -> dict[str, object]:
    return TABLE.slice(row, 1).to_pylist()[0]


def read(file: MappedFile, row: int) -> tuple[dict[str, object], dict[str, object]]:
    """Read a row by both ways: alone, and as one of some."""
    opened = ArrowFile(file, "claims", ROWS)
    some = np.array([row, row // 2, row])
    taken = {name: opened.take(name, some)[0].as_py() for name in TABLE.column_names}
    return opened.row(row), taken


def test_rows_are_what_was_written(tmp_path):
    file = mapped(tmp_path, WHOLE)
    for row in (0, 1, 7, 8, ROWS // 2, ROWS - 1):
        assert read(file, row) == (expected(row), expected(row))
    assert not file.is_verified, "a few rows are not the whole file"


def test_a_flipped_bit_never_gives_another_value(tmp_path):
    rng = random.Random(8)
    refused = 0
    for _ in range(FLIPS):
        bit = rng.randrange(8 * len(WHOLE))
        content = bytearray(WHOLE)
        content[bit // 8] ^= 1 << bit % 8
        row = rng.randrange(ROWS)
        try:
            assert read(mapped(tmp_path, bytes(content)), row) == (expected(row), expected(row))
        except UnreadableSnapshot:
            refused += 1
    assert 0 < refused < FLIPS


@pytest.mark.parametrize(
    "ask",
    [
        lambda opened, name, row: opened.row(row),
        lambda opened, name, row: opened.take(name, np.array([row])),
    ],
    ids=["alone", "some"],
)
@pytest.mark.parametrize("name", ["url", "sha256", "phash64", "width", "id", "source", "since"])
def test_every_buffer_of_a_column_is_verified(tmp_path, name, ask):
    """Change any chunk that holds a part of a row's value: it is refused."""
    row = ROWS // 2 + 1
    batch = pa.ipc.open_file(pa.py_buffer(WHOLE)).get_batch(0)
    array = batch.column(TABLE.column_names.index(name))
    base = np.frombuffer(WHOLE, np.uint8).ctypes.data
    parts = [array.indices, array.dictionary] if pa.types.is_dictionary(array.type) else [array]
    for part in parts:
        for buffer in filter(None, part.buffers()):
            # Where the row's share of this buffer is, nearly.
            place = buffer.address - base + row * buffer.size // ROWS
            content = bytearray(WHOLE)
            content[place] ^= 1
            file = mapped(tmp_path, bytes(content))
            with pytest.raises(UnreadableSnapshot, match="its sha256 is not"):
                ask(ArrowFile(file, "claims", ROWS), name, row)


def test_elements_of_arrays_are_verified(tmp_path):
    numbers = np.arange(2 * ROWS, dtype="<u4")
    content = bytearray(numbers.tobytes())
    digests = chunk_digests(bytes(content))
    content[2 * CHUNK] ^= 1
    path = tmp_path / "index"
    path.write_bytes(content)
    opened = os.open(tmp_path, os.O_RDONLY)
    array = MappedArray(
        MappedFile(opened, "index", path, len(content), digests), numbers.dtype, 0, 2 * ROWS
    )
    os.close(opened)
    wrong = 2 * CHUNK // 4
    assert array[wrong - 1] == wrong - 1
    assert array[-1] == 2 * ROWS - 1
    assert array[np.array([0, 5, -1])].tolist() == [0, 5, 2 * ROWS - 1]
    assert array[3:7].tolist() == [3, 4, 5, 6]
    for places in (wrong, np.array([0, wrong]), slice(wrong - 1, wrong + 1), wrong - 2 * ROWS):
        with pytest.raises(UnreadableSnapshot, match="its sha256 is not"):
            array[places]
