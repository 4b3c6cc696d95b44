"""Opens Parquet files; encrypted ones are refused before Arrow reads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

import pyarrow.parquet as pq

from registry import files
from registry.errors import RefusedFile
from registry.files._parquet_footer import encrypted_columns

BUFFER_BYTES = 1 << 20
# A Parquet file ends with the size of its footer and PAR1, or PARE for an encrypted footer.
_END = 8
_PLAIN, _ENCRYPTED = b"PAR1", b"PARE"


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a Parquet file, to be read with small column buffers.

    Raises RefusedFile, naming the path, for a file that is encrypted or not a regular
    one, and OSError or ArrowException for one that is damaged.
    """
    with files.opened(path) as file:
        _refuse_encrypted(path, file)
    return pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False, memory_map=False)


def _refuse_encrypted(path: Path, file: IO[bytes]) -> None:
    """Raise RefusedFile for encrypted columns: Arrow aborts the process at one."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(end - _END, 0))
    tail = file.read(_END)
    size = int.from_bytes(tail[:4], "little")
    if len(tail) < _END or size > end - _END:
        return
    if tail[4:] == _ENCRYPTED:
        raise RefusedFile(
            f"{path} is encrypted, and cannot be read", "write it again without encryption"
        )
    file.seek(end - _END - size)
    names = encrypted_columns(file.read(size)) if tail[4:] == _PLAIN else []
    if names:
        raise RefusedFile(
            f"{path} has encrypted columns, which are not read: {', '.join(names)}",
            "write it again without encryption, or without these columns",
        )
