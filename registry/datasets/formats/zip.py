"""Zip archives of pictures: one, several, or a folder of them.

A row is a picture: `file`, `image`, and what the archive says of it. That is a file about many
pictures (an object of objects in JSON by their names, as DiffusionDB has it, or `metadata.csv` or
`.jsonl` with a column of names) or a text or an object beside one (`1.txt`, `1.json`). Archives are
opened one by one as they are read; the columns are those of the first pictures of the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from registry.datasets import CONTENT, FOLDER, NAME, RowWriter, files_in, refuse_own_files
from registry.datasets._left_out import TABLES, left_out
from registry.datasets.folder_writer import FolderWriter, names_in_folder
from registry.datasets.hidden import RAW
from registry.datasets.streams import is_folder, suffix_of
from registry.datasets.tables import Table, Tables, UnreadableTable
from registry.datasets.tar.columns import Layout
from registry.datasets.zip.records import END, LOCAL
from registry.datasets.zip.tables import LABEL, SUFFIX, ZipTable, first_pictures
from registry.datasets.zip.writer import ZipWriter
from registry.errors import RefusedFile, UnreadableDataset, UsageError
from registry.evidence.carriers import IMAGE_ENDINGS
from registry.files import opened

# A folder in which tables or pictures lie beside the archives is rather one of these.
_BESIDE_OTHERS = 0.3
# Files of other formats that are zip archives, too.
_OTHERS = frozenset({".npz", ".xlsx", ".docx", ".pptx", ".ods", ".odt", ".odp", ".jar", ".apk"}) | {
    *(".whl", ".epub", ".pt", ".pth", ".ckpt", ".keras", ".kmz"),
}


def sureness(path: Path) -> float:
    """Return the sureness, from 0 to 1, that a path is a zip archive or a folder of them."""
    if is_folder(path):
        files = files_in(path)
        if not any(suffix_of(file) == SUFFIX for file in files):
            return 0
        others = TABLES | IMAGE_ENDINGS
        return _BESIDE_OTHERS if any(suffix_of(f) in others for f in files) else FOLDER[CONTENT]
    if _has_magic(path) and suffix_of(path) not in _OTHERS:
        return CONTENT
    return NAME if suffix_of(path) == SUFFIX else 0


def _has_magic(path: Path) -> bool:
    try:
        with opened(path) as file:
            return file.read(len(LOCAL)) in (LOCAL, END)
    except (OSError, RefusedFile):
        return False


def open_files(paths: Sequence[Path], name: str) -> Archives:
    """Open zip archives and folders of them as one dataset."""
    files: list[Path] = []
    others: list[Path] = []
    for path in paths:
        for file in files_in(path) if is_folder(path) else [path]:
            (files if file == path or suffix_of(file) == SUFFIX else others).append(file)
    layout: Layout | None = None
    errors: dict[Path, UnreadableDataset | RefusedFile] = {}
    for file in files:
        try:
            _, layout = first_pictures(file)
            break
        except (UnreadableDataset, RefusedFile) as error:
            errors[file] = error
    if layout is None:
        raise next(iter(errors.values()))
    schema = layout.schema
    tables: list[Table] = [
        UnreadableTable(file, errors[file]) if file in errors else ZipTable(file, layout, schema)
        for file in files
    ]
    return Archives("zip", name, tables, left_out(others), LABEL)


class Archives(Tables):
    """A dataset of archives; kept pictures stay in their archives, packed as they are."""

    @property
    def needed(self) -> Sequence[str]:
        """The columns that the writer of kept rows needs."""
        return (LABEL, RAW)

    def keeper(self, path: Path) -> RowWriter:
        """Return a writer of some pictures as they are: to an archive, or a folder of several."""
        refuse_own_files(path, self.files)
        suffix = suffix_of(path)
        if suffix == SUFFIX and len(self.tables) == 1:
            return self._kept_table(0, path)
        if suffix:
            name = "a folder" if suffix == SUFFIX else "a folder, or a .zip file"
            raise UsageError(f"{path}: the pictures are kept in their archives", f"name {name}")
        return FolderWriter(path, names_in_folder(self.files), self._kept_if_read)

    def _kept_table(self, number: int, path: Path) -> RowWriter:
        return ZipWriter(path, self.tables[number].path)
