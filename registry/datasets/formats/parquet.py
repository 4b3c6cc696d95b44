"""Parquet datasets: one file, several files of one schema, or a folder of them.

Files are read batch by batch with small column buffers, so that memory depends on the
batch, not on the size of the file or of its row groups. Rows are written with the
dataset's own schema and metadata, compressed with zstd.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from registry.datasets import CONTENT, FOLDER, NAME, files_in, refuse_own_files
from registry.datasets._left_out import SkippedFiles, left_out
from registry.datasets.parquet_writer import ParquetRowWriter
from registry.errors import UnreadableDataset
from registry.files.parquet import open_parquet

# The more fingerprints are compared at a time, the less each costs; with 16 MB a check of URLs,
# captions and hashes on two cores takes 630 MB instead of 510.
BATCH_ROWS = 1 << 20
BATCH_BYTES = 1 << 23
SUFFIXES = (".parquet", ".pq", ".parq")


def sureness(path: Path) -> float:
    """Return the sureness, from 0 to 1, that a path is a Parquet file or a folder of them."""
    if path.is_dir():
        return FOLDER[CONTENT] if any(_is_parquet(child) for child in files_in(path)) else 0
    if _has_magic(path):
        return CONTENT
    return NAME if _is_parquet(path) else 0


def open_files(paths: Sequence[Path], name: str) -> ParquetDataset:
    """Open Parquet files and folders of them as one dataset."""
    files: list[Path] = []
    others: list[Path] = []
    for path in paths:
        for file in files_in(path) if path.is_dir() else [path]:
            (files if file == path or _is_parquet(file) else others).append(file)
    return ParquetDataset(files, name, left_out(others))


class ParquetDataset:
    """Rows of one or more Parquet files, in the order of the files."""

    format = "parquet"
    label: str | None = None

    def __init__(
        self, files: Sequence[Path], name: str, left_out: Sequence[SkippedFiles] = ()
    ) -> None:
        self.name = name
        self.files = tuple(files)
        self.left_out = tuple(left_out)
        self.rows: int | None = 0
        schemas = []
        for path in self.files:
            with _open(path) as file:
                self.rows += file.metadata.num_rows
                schemas.append(file.schema_arrow)
        self.schema: pa.Schema = schemas[0]
        twice = [name for name, count in Counter(self.schema.names).items() if count > 1]
        if twice:
            raise UnreadableDataset(
                f"{self.files[0]} has more than one column named {twice[0]}",
                "rename one of the columns",
            )
        for path, schema in zip(self.files, schemas, strict=True):
            if not schema.equals(self.schema):
                raise UnreadableDataset(
                    f"{path} has other columns (or types, or order) than {self.files[0]}",
                    "check them one by one",
                )

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order; only `columns` where given."""
        for path in self.files:
            with _open(path) as file:
                names = None if columns is None else list(columns)
                rows = _batch_rows(file.metadata, names)
                try:
                    yield from file.iter_batches(rows, columns=names, use_threads=False)
                except (pa.ArrowException, OSError) as error:
                    raise _unreadable(path, error) from error

    @property
    def needed(self) -> Sequence[str]:
        """The columns that the writer of kept rows needs."""
        names: Sequence[str] = self.schema.names
        return names

    def keeper(self, path: Path) -> ParquetRowWriter:
        """Return a writer of some rows as they are."""
        return self.writer(path, self.schema)

    def writer(self, path: Path, schema: pa.Schema) -> ParquetRowWriter:
        """Return a writer; refuse to write over the dataset itself."""
        refuse_own_files(path, self.files)
        return ParquetRowWriter(path, schema)


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _has_magic(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError:
        return False


def _batch_rows(metadata: pq.FileMetaData, names: Sequence[str] | None) -> int:
    """Return the rows of a batch of at most BATCH_BYTES: rows with pictures are large."""
    largest = 1.0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = (group.column(i) for i in range(group.num_columns))
        wanted = (c for c in columns if names is None or _is_of(c.path_in_schema, names))
        row_bytes = sum(c.total_uncompressed_size for c in wanted) / max(group.num_rows, 1)
        largest = max(largest, row_bytes)
    return int(min(BATCH_ROWS, max(1, BATCH_BYTES // largest)))


def _is_of(path: str, names: Sequence[str]) -> bool:
    """Return whether a column path is one of the names, or within one; names may have dots."""
    parts = path.split(".")
    return any(".".join(parts[:size]) in names for size in range(1, len(parts) + 1))


def _open(path: Path) -> pq.ParquetFile:
    try:
        return open_parquet(path)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UnreadableDataset:
    if path.exists() and path.stat().st_size == 0:
        return UnreadableDataset(
            f"{path} is empty (0 bytes)", "the download may have been cut off: get the file again"
        )
    why = str(error).splitlines()[0] if str(error) else type(error).__name__
    return UnreadableDataset(
        f"{path} cannot be read as Parquet: {why}", "the file may be incomplete: get it again"
    )
