"""Folders of files that stand for pictures: they have the endings of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from registry.datasets import Dataset


def folder_of(folder: Path, files: dict[str, bytes | str]) -> Path:
    """Write files by their names in a folder, and return the folder."""
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def kept(dataset: Dataset, out: Path, keep: Any) -> None:
    """Write the rows of which `keep(row)` is true, as a check does."""
    writer = dataset.keeper(out)
    try:
        for chunk in dataset.chunks(list(dict.fromkeys([*dataset.schema.names, *dataset.needed]))):
            mask = [bool(keep(row)) for row in chunk.batch.to_pylist()]
            writer.write(chunk.batch.filter(pa.array(mask, pa.bool_())), chunk.table)
        writer.close()
    except BaseException:
        writer.abandon()
        raise


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by name."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
