"""Writes kept samples to a tar file as they are in another one, and the table beside it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from registry.datasets.pictures.side_tables import write_kept
from registry.datasets.text.files import RawWriter

# A tar file ends with two blocks of zeros and fills whole records.
_RECORD = 10240
_END = 1024


class TarWriter(RawWriter):
    """Writes the members of samples byte by byte; batches have the columns RAW and `label`.

    The rows of these samples in the table `side` are written to one beside the new file.
    """

    def __init__(
        self, path: Path, compression: str | None, label: str, side: Path | None = None
    ) -> None:
        super().__init__(path, b"", compression)
        self._label, self._side = label, side
        self._keys: set[str] = set()
        self._size = 0

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Append the samples of a batch."""
        super().write(batch)
        if self._side:
            self._keys.update(filter(None, batch.column(self._label).to_pylist()))

    def append(self, data: bytes | memoryview) -> None:
        """Append members."""
        super().append(data)
        self._size += len(data)

    def close(self) -> None:
        """Finish the file, give it its name, and write the table."""
        self.append(bytes(_END + -(self._size + _END) % _RECORD))
        super().close()
        if self._side:
            write_kept(self.path.with_name(self._side.name), self._side, self._keys)
