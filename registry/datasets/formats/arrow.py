"""Arrow IPC: files (`.arrow`, Feather 2) and streams of record batches.

Record batches are read one by one; one that cannot be read is as many rows with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from registry.datasets import CONTENT, NAME, RowWriter, refuse_own_files
from registry.datasets.arrow.batches import is_arrow
from registry.datasets.arrow.tables import ArrowTable, Picker, PicksRows
from registry.datasets.arrow.writer import ArrowKeeper
from registry.datasets.folder_writer import FolderWriter, names_in_folder
from registry.datasets.hidden import ROW
from registry.datasets.listing import listing_of
from registry.datasets.npy.files import NPY
from registry.datasets.npy.uids import UID
from registry.datasets.tables import Tables, files_of_tables, opened_tables
from registry.errors import UsageError

SUFFIXES = (".arrow", ".feather", ".arrows", ".ipc")
# Below a folder of Parquet files, above one of pictures or of texts.
_FOLDER = 0.8


def sureness(path: Path) -> float:
    """Return the sureness, from 0 to 1, that a path is an Arrow file or a folder of them."""
    if path.is_dir():
        files = listing_of(path)
        return _FOLDER if files.may_have(SUFFIXES) and any(map(_is_named_so, files)) else 0
    if is_arrow(path):
        return CONTENT
    return NAME if _is_named_so(path) else 0


def open_files(paths: Sequence[Path], name: str) -> ArrowTables:
    """Open Arrow files and folders of them as one dataset."""
    files, others = files_of_tables(paths, SUFFIXES)
    return ArrowTables("arrow", name, opened_tables(files, ArrowTable), others)


class ArrowTables(Tables):
    """A dataset of Arrow files, of which kept rows stay in their files and record batches."""

    @property
    def needed(self) -> Sequence[str]:
        """The columns that the writer of kept rows needs."""
        return (ROW, *(name for name in self.schema.names if name == UID))

    def keeper(self, path: Path) -> RowWriter:
        """Return a writer of some rows as they are; several files become a folder of files."""
        suffix = path.suffix.lower()
        if suffix == NPY:
            return super().keeper(path)
        refuse_own_files(path, self.files)
        if len(self.tables) > 1 and not suffix:
            return FolderWriter(path, names_in_folder(self.files), self._kept_file)
        if suffix not in {*SUFFIXES, *(file.suffix.lower() for file in self.files)}:
            raise UsageError(
                f"{path}: the rows that are kept are written as Arrow",
                f"name a file that ends in {self.files[0].suffix or SUFFIXES[0]}",
            )
        return self._kept_in_one(path)

    def _kept_file(self, number: int, path: Path) -> RowWriter | None:
        """Return a writer of some rows of one file; None for one that cannot be read."""
        table = self.tables[number]
        if not isinstance(table, ArrowTable):
            return None
        return ArrowKeeper(path, table.form(), lambda number: table.picker())

    def _kept_in_one(self, path: Path) -> RowWriter:
        forms = [table.form() for table in self.tables if isinstance(table, ArrowTable)]
        first = forms[0]
        alike = all(form.schema.equals(first.schema) for form in forms)
        if len(forms) > 1 and not (alike and (not first.is_file or not first.has_dictionaries)):
            raise UsageError(
                "the files of the dataset have different columns or dictionaries",
                "name a folder for the rows that are kept",
            )
        return ArrowKeeper(path, first, self._picker)

    def _picker(self, number: int) -> PicksRows:
        return Picker(self.tables[number].path)


def _is_named_so(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()
