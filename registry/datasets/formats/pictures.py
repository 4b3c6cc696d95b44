"""Folders of pictures as a dataset: one row per file, `file` and `image`.

Captions and JSON beside the pictures are further columns: `caption`, and the members of the JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from registry.datasets import FOLDER, NAME, files_in
from registry.datasets._left_out import is_picture, left_out
from registry.datasets.pictures.rows import Pictures
from registry.datasets.pictures.side_files import FILE, IMAGE, SideFiles
from registry.datasets.pictures.tables import PictureTables, picture_files


def sureness(path: Path) -> float:
    """Return the sureness, from 0 to 1, that a path is a picture or a folder of pictures."""
    if path.is_dir():
        return FOLDER[NAME] if any(map(is_picture, files_in(path))) else 0
    return NAME if is_picture(path) else 0


def open_files(paths: Sequence[Path], name: str) -> PictureTables:
    """Open picture files and folders of them as one dataset."""
    found = picture_files(paths)
    sides = SideFiles(found.sides, found.pictures)
    rows = Pictures(paths[0], found.pictures, sides)
    # Captions are columns; the other texts are about all pictures.
    others = left_out(found.others, pictures=found.pictures[:1])
    return PictureTables("pictures", name, [rows], found, others, [IMAGE], FILE)
