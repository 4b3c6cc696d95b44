"""JSON files that hold a table: an array of objects or URLs, an object of objects or lists, COCO's.

Also compressed. A folder is read so only if it has no other tables and no pictures: beside these,
JSON describes them. JSON lines are another format.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from registry.datasets import CONTENT, NAME, RowWriter, files_in
from registry.datasets._left_out import TABLES, is_about, left_out
from registry.datasets.formats.jsonl import SUFFIXES as LINES
from registry.datasets.hidden import ROW
from registry.datasets.json.lists import JsonLists
from registry.datasets.json.shapes import Shape, shape_of
from registry.datasets.json.tables import JsonElements, Spaces
from registry.datasets.json.writers import ElementsWriter, ImagesWriter, ListsWriter
from registry.datasets.listing import listing_of
from registry.datasets.streams import COMPRESSIONS, Source, is_folder, suffix_of
from registry.datasets.tables import Table, opened_tables
from registry.datasets.text.files import TextFiles
from registry.errors import RefusedFile, UnreadableDataset, UsageError
from registry.evidence.carriers import IMAGE_ENDINGS

SUFFIXES = (".json",)
# Bytes of a file that show its shape.
_HEAD = 1 << 18
# Below all folders of other tables.
_FOLDER = 0.3
_HINT = "tables are arrays of objects or URLs, objects of objects or lists, or with a list `images`"


def sureness(path: Path) -> float:
    """Return the sureness, from 0 to 1, that a path is a table in JSON or a folder of them."""
    if is_folder(path):
        return _FOLDER if _is_folder_of_tables(path) else 0
    if suffix_of(path) in LINES or is_about(path):
        return 0
    try:
        if _shape(path):
            return CONTENT
    except (UnreadableDataset, RefusedFile):
        pass
    return NAME if suffix_of(path) in SUFFIXES else 0


def open_files(paths: Sequence[Path], name: str) -> JsonFiles:
    """Open JSON files and folders of them as one dataset."""
    files: list[Path] = []
    others: list[Path] = []
    for path in paths:
        for file in files_in(path) if is_folder(path) else [path]:
            (files if file == path or _may_be_table(file) else others).append(file)
    return JsonFiles("json", name, opened_tables(files, _opened), left_out(others), SUFFIXES)


class JsonFiles(TextFiles):
    """A dataset of JSON files; rows that are kept stay in the shape of their file."""

    @property
    def needed(self) -> Sequence[str]:
        """The columns that the writer of kept rows needs."""
        return (*super().needed, ROW)

    def _kept_table(self, number: int, path: Path) -> RowWriter:
        self._refuse_suffix(path)
        table = self.tables[number]
        if isinstance(table, JsonLists):
            return ListsWriter(path, table)
        if not isinstance(table, JsonElements):
            return ElementsWriter(path, Spaces(b"", b",", b""))
        if table.shape == "images":
            return ImagesWriter(path, table)
        return ElementsWriter(path, table.spaces, b"{}" if table.shape == "objects" else b"[]")

    def _kept_in_one(self, path: Path) -> RowWriter:
        shapes = {getattr(table, "shape", None) for table in self.tables} - {None}
        if len(shapes) != 1 or not shapes <= {"array", "values"}:
            raise UsageError(
                "only arrays can be written as one file",
                "name a folder for the rows that are kept",
            )
        return self._kept_table(0, path)


def _opened(path: Path) -> Table:
    shape = _shape(path)
    if shape is None:
        raise UnreadableDataset(f"{path} holds no table", _HINT)
    return JsonLists(path) if shape == "lists" else JsonElements(path, shape)


def _shape(path: Path) -> Shape | None:
    """Return the shape of a file. Raises UnreadableDataset or RefusedFile."""
    head = Source(path).head(_HEAD)
    if not head:
        raise UnreadableDataset(f"{path} is empty (0 bytes)", "get the file again")
    return shape_of(head, len(head) < _HEAD)


def _is_folder_of_tables(folder: Path) -> bool:
    files = listing_of(folder)
    others = TABLES | IMAGE_ENDINGS
    packed = files.may_have(COMPRESSIONS)
    if not (packed or files.may_have(SUFFIXES)):
        return False
    if (packed or files.may_have(others)) and any(suffix_of(file) in others for file in files):
        return False
    return any(map(_may_be_table, files))


def _may_be_table(path: Path) -> bool:
    """Return whether a file in a folder is a table, or cannot be read."""
    if suffix_of(path) not in SUFFIXES or is_about(path):
        return False
    try:
        return _shape(path) is not None
    except (UnreadableDataset, RefusedFile):
        return True
