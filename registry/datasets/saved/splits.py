"""Opens the folders of `save_to_disk`: a dataset, or one for each split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from registry.datasets.arrow.indices import IndexedTable
from registry.datasets.arrow.tables import ArrowTable
from registry.datasets.saved.state import INFO, SPLITS, STATE, splits_of, state_of
from registry.datasets.streams import unreadable
from registry.datasets.tables import Table, UnreadableTable, opened_tables
from registry.errors import RefusedFile, UnreadableDataset
from registry.files import read_whole


@dataclass(frozen=True, slots=True)
class Split:
    """One dataset: `root` is the folder that was named, `folder` the one with the Arrow files.

    `name` is that of its split in the descriptions; `state` and `info` are the contents of its
    JSON files. `files` are the names of those with the rows, `tables` the rows: those of each
    file, or of all together in the order of `indices`.
    """

    root: Path
    folder: Path
    name: str | None
    tables: Sequence[Table]
    state: bytes = b""
    info: bytes | None = None
    files: Sequence[str] = ()
    indices: Sequence[str] = ()


def is_saved(folder: Path) -> bool:
    """Return whether a folder was written by `save_to_disk`."""
    try:
        if (folder / SPLITS).is_file():
            return bool(splits_of(read_whole(folder / SPLITS)))
        return (folder / INFO).is_file() and bool(state_of(read_whole(folder / STATE)))
    except (OSError, RefusedFile, ValueError):
        return False


def opened_splits(root: Path) -> list[Split]:
    """Open a folder; a split that cannot be opened is a table with a row that says so.

    Raises UnreadableDataset if it is no such folder.
    """
    if not (root / SPLITS).is_file():
        return [_opened(root, root)]
    try:
        names = splits_of(read_whole(root / SPLITS))
    except (OSError, ValueError) as error:
        raise unreadable(str(root / SPLITS), error) from error
    return [_opened(root, root / name) for name in names]


def _opened(root: Path, folder: Path) -> Split:
    try:
        content = read_whole(folder / STATE)
        state = state_of(content)
        info = read_whole(folder / INFO) if (folder / INFO).is_file() else None
    except (OSError, ValueError) as error:
        return Split(root, folder, None, [_broken(folder, unreadable(str(folder / STATE), error))])
    except RefusedFile as error:
        return Split(root, folder, None, [_broken(folder, error)])
    name = state.split or (folder.name if folder != root else None)
    files = [folder / file for file in state.files]
    if state.indices:
        tables = [_indexed(files, [folder / file for file in state.indices])]
    else:
        tables = opened_tables(files, ArrowTable)
    return Split(root, folder, name, tables, content, info, state.files, state.indices)


def _indexed(files: Sequence[Path], indices: Sequence[Path]) -> Table:
    try:
        return IndexedTable(files, indices)
    except (UnreadableDataset, RefusedFile) as error:
        return UnreadableTable(files[0], error)


def _broken(folder: Path, error: UnreadableDataset | RefusedFile) -> UnreadableTable:
    return UnreadableTable(folder / STATE, error)
