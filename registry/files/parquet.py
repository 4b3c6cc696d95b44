"""Opens Parquet files; encrypted columns are found before Arrow reads them."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow.parquet as pq

from registry import files
from registry.errors import RefusedFile
from registry.files._parquet_footer import NAMELESS, encrypted_columns

BUFFER_BYTES = 1 << 20
# A Parquet file ends with the size of its footer and PAR1, or PARE for an encrypted footer.
_END = 8
_PLAIN, _ENCRYPTED = b"PAR1", b"PARE"


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a Parquet file, to be read with small column buffers.

    Raises RefusedFile, naming the path, for a file that is encrypted or not a regular
    one, and OSError or ArrowException for one that is damaged.
    """
    names = encrypted_in(path)
    if names:
        raise RefusedFile(
            f"{path} has encrypted columns, which are not read: {', '.join(names)}",
            "write it again without encryption, or without these columns",
        )
    return open_partly(path)


def open_partly(path: Path) -> pq.ParquetFile:
    """Open a file of which the columns `encrypted_in` are not asked for, nor their metadata.

    Arrow ends the process at one.
    """
    return pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False, memory_map=False)


def encrypted_in(path: Path) -> list[str]:
    """Return the names of the encrypted columns of a file, those within others with dots.

    Raises RefusedFile if nothing of it can be read without its keys.
    """
    with files.opened(path) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - _END, 0))
        tail = file.read(_END)
        size = int.from_bytes(tail[:4], "little")
        if len(tail) < _END or size > end - _END:
            return []
        file.seek(end - _END - size)
        names = encrypted_columns(file.read(size)) if tail[4:] == _PLAIN else []
    if tail[4:] == _ENCRYPTED or NAMELESS in names:
        raise RefusedFile(
            f"{path} is encrypted, and cannot be read", "write it again without encryption"
        )
    return names
