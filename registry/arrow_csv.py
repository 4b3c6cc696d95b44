"""Reads a text of CSV in memory with Arrow. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from pyarrow import csv


def read_block(
    data: bytes | memoryview,
    names: Sequence[str],
    parse: csv.ParseOptions,
    convert: csv.ConvertOptions,
) -> pa.Table:
    """Return the rows of a text as a table; its first line is a row like any other.

    Raises pyarrow's errors if the text is empty, or some rows have more or fewer values.

    `csv.read_csv` is not used: while it runs, it handles SIGINT and SIGTERM itself, and one
    that arrives at its very end is lost (pyarrow 26.0.1: 10 of 400), so that Ctrl-C does nothing.
    """
    # A row must be within a block, and a text may be long.
    read = csv.ReadOptions(column_names=names, block_size=len(data) + 1, use_threads=False)
    return csv.open_csv(pa.BufferReader(pa.py_buffer(data)), read, parse, convert).read_all()
