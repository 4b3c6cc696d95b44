"""What a dataset consists of, for its description: files with their digests, and columns."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from registry.checking.reports.croissant import MOST_FILES, Contents, DescribedFile
from registry.datasets import STDIN
from registry.datasets.states import whole_digest
from registry.errors import RefusedFile, UnreadableDataset
from registry.text import visible

if TYPE_CHECKING:
    from registry.checking.columns import Columns
    from registry.datasets import Dataset


def contents(dataset: Dataset, columns: Columns, beside: Path) -> Contents:
    """Return the files and columns of a dataset, named as a file `beside` them would.

    Each file is read whole for its digest, unless there are more than MOST_FILES or one cannot be
    read. Of files that lie elsewhere only the name is told.
    """
    types = {field.name: _type(field, columns) for field in dataset.schema}
    if STDIN in dataset.files:
        return Contents([], Counter(), "", types)
    near = beside.absolute().parent
    if len(dataset.files) <= MOST_FILES:
        try:
            described = [_described(path, near) for path in dataset.files]
        except (OSError, RefusedFile, UnreadableDataset):
            pass
        else:
            return Contents(described, Counter(), "", types)
    suffixes = Counter(visible(path.suffix) for path in dataset.files)
    return Contents([], suffixes, _folder(dataset.files, near), types)


def _folder(files: Sequence[Path], near: Path) -> str:
    """Return the folder of files within another folder, or ""."""
    whole = Path(os.path.commonpath([path.absolute().parent for path in files]))
    return str(whole.relative_to(near)) if near in whole.parents else ""


def _described(path: Path, folder: Path) -> DescribedFile:
    size, sha256 = whole_digest(path)
    whole = path.absolute()
    name = str(whole.relative_to(folder)) if whole.is_relative_to(folder) else path.name
    return DescribedFile(name, size, sha256)


def _type(field: pa.Field, columns: Columns) -> str:
    """Return the type of a column in Croissant."""
    roles = [choice.role for choice in columns.choices if choice.column == field.name]
    if "image" in roles:
        return "sc:ImageObject"
    if any(role and role.endswith("url") for role in roles):
        return "sc:URL"
    checks = (
        (pa.types.is_boolean, "sc:Boolean"),
        (pa.types.is_integer, "sc:Integer"),
        (pa.types.is_floating, "sc:Float"),
        (pa.types.is_temporal, "sc:Date"),
    )
    return next((one for is_one, one in checks if is_one(field.type)), "sc:Text")
