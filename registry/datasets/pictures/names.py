"""Columns of a table that name the pictures beside it (pure).

As the builder "imagefolder" of Hugging Face `datasets` has it (folder_based_builder.py): the column
`file_name` names the picture `image`, `*_file_name` the picture `*`, and `file_names` and
`*_file_names` are lists of names. Names are relative to the folder of the table, and lead out of it
neither by `..` nor as absolute paths or URLs. img2dataset writes a table `00000.parquet` beside the
folder `00000`, of which the column `key` names the pictures.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from registry.datasets.fitting import is_text

NAME, NAMES = "file_name", "file_names"
KEY, STATUS = "key", "status"
# Most pictures of a list that are compared.
MOST = 16
# A name of a picture, or None: no picture is named.
Named = str | None


class Naming(Protocol):
    """How the pictures of a row are named: from which columns, and the columns of their bytes."""

    @property
    def columns(self) -> Sequence[str]:
        """The columns that are needed."""

    @property
    def images(self) -> Sequence[str]:
        """The columns of bytes."""

    def names(self, batch: pa.RecordBatch) -> Iterator[tuple[list[Named], str | None]]:
        """Yield for each row the names for all of `images`, and why others are not known."""


@dataclass(frozen=True, slots=True)
class ByFileName:
    """Columns of names and of lists of names; each has so many columns of pictures."""

    columns: Sequence[str]
    images: Sequence[str]
    widths: Sequence[int]

    def names(self, batch: pa.RecordBatch) -> Iterator[tuple[list[Named], str | None]]:
        """Yield for each row the names for all of `images`, and why others are not known."""
        values = [lists_of(batch.column(name)) for name in self.columns]
        for row in zip(*values, strict=True):
            named: list[Named] = []
            why: str | None = None
            for names, width, column in zip(row, self.widths, self.columns, strict=True):
                relative = [inside(name) for name in names]
                if len(names) > width:
                    why = why or f"{column}: {len(names)} pictures, of which {width} are compared"
                if None in relative:
                    why = why or f"{column}: a path out of the folder, or a URL"
                named += [*(name or None for name in relative), *[None] * width][:width]
            yield named, why


@dataclass(frozen=True, slots=True)
class ByKey:
    """Keys of pictures in a folder; `find` returns the name of the picture of a key, or None."""

    folder: str
    find: Callable[[str], Named]
    has_status: bool
    images: Sequence[str]

    @property
    def columns(self) -> Sequence[str]:
        """The columns that are needed."""
        return (KEY, STATUS) if self.has_status else (KEY,)

    def names(self, batch: pa.RecordBatch) -> Iterator[tuple[list[Named], str | None]]:
        """Yield for each row the name of its picture; those that were not got have none."""
        keys = lists_of(batch.column(KEY))
        got = [True] * len(batch)
        if self.has_status:
            got = [value in ([], ["success"]) for value in lists_of(batch.column(STATUS))]
        for key, is_there in zip(keys, got, strict=True):
            name = posixpath.join(self.folder, key[0]) if key and inside(key[0]) else None
            found = self.find(name) if name else None
            # A picture that should be there is named, and then missing.
            yield [found or (name if is_there else None)], None


def by_file_name(
    schema: pa.Schema, longest: Callable[[str], int]
) -> tuple[list[str], list[list[str]]]:
    """Return the columns with names of pictures, and for each the columns of their bytes.

    `longest` returns how many names a list in a column has at most.
    """
    columns: list[str] = []
    images: list[list[str]] = []
    taken = set(schema.names)
    for field in schema:
        wanted = _images_of(field, longest)
        if wanted:
            columns.append(field.name)
            images.append([free(name, taken) for name in wanted])
            taken.update(images[-1])
    return columns, images


def _images_of(field: pa.Field, longest: Callable[[str], int]) -> list[str]:
    if _is(field.name, NAME) and is_text(field.type):
        return [field.name.removesuffix(NAME).removesuffix("_") or "image"]
    is_list = pa.types.is_list(field.type) or pa.types.is_large_list(field.type)
    if _is(field.name, NAMES) and is_list and is_text(field.type.value_type):
        stem = field.name.removesuffix(NAMES).removesuffix("_") or "images"
        return [f"{stem}_{place + 1}" for place in range(min(longest(field.name), MOST))]
    return []


def _is(name: str, wanted: str) -> bool:
    return name == wanted or name.endswith(f"_{wanted}")


def free(name: str, taken: set[str]) -> str:
    """Return a name that is not taken."""
    while name in taken:
        name += "_"
    return name


def inside(name: str) -> Named:
    """Return a name relative to its folder; "" if it is empty, None if it leads out of it."""
    if not name:
        return ""
    path = posixpath.normpath(name.replace("\\", "/"))
    leads_out = "://" in name or "\0" in name or path.startswith(("/", "../")) or path == ".."
    return None if leads_out else path


def lists_of(column: pa.Array) -> list[list[str]]:
    """Return the texts of a column of texts or of lists of texts; none for null."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if is_text(column.type):
        # As bytes: a text may be no UTF-8, as the name of a file may be.
        values = column.cast(pa.large_string()).cast(pa.large_binary()).to_pylist()
        return [[] if value is None else [_decoded(value)] for value in values]
    kind = pa.large_list(pa.large_binary())
    lists = column.cast(pa.large_list(pa.large_string())).cast(kind).to_pylist()
    return [[_decoded(value) for value in values or [] if value is not None] for values in lists]


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
