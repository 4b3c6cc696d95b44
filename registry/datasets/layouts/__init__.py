"""Layouts of known datasets (pure): one file of data each, with a tiny sample.

A layout is recognised by the names of its columns; of several that fit, the one with the most
columns counts whose URLs are where it says. It says what each column holds, also of those that
only look like keys of the picture.

    name = "COYO-700M"
    source = "https://..."           # where the facts are from
    columns = ["url", "image_phash"] # all are in the dataset
    without_names = 2                # instead of columns: the file has so many, without names
    [roles]
    url = "url"
    image_phash = "phash64"
    [ignored]
    id = "a number"
    [sample]                         # rows to test it with; the first is the planted one
    format = "parquet"
    planted = "url"                  # the column of the first row that the registry has
    types = { id = "int64" }
    rows = [{ id = 1, url = "https://..." }, ...]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from registry.datasets.text.csv_form import column_name


@dataclass(frozen=True, slots=True)
class Layout:
    """What is known of a dataset: roles by column, and the columns that are none, with the reason.

    `columns` are those by which it is recognised; `without_names` is the number of columns of a
    file without names, or 0. `sample` are rows to test it with.
    """

    name: str
    source: str
    columns: frozenset[str] = frozenset()
    without_names: int = 0
    roles: Mapping[str, str] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)
    sample: Mapping[str, Any] = field(default_factory=dict)


@cache
def known() -> Mapping[str, Layout]:
    """Return the layouts by the names of their files."""
    return {name: _layout(content) for name, content in _files()}


def candidates(columns: Sequence[str]) -> list[Layout]:
    """Return the layouts with some columns, those with the most columns first."""
    fitting = [layout for layout in known().values() if _fits(layout, columns)]
    return sorted(fitting, key=lambda layout: len(layout.columns), reverse=True)


def _fits(layout: Layout, columns: Sequence[str]) -> bool:
    if layout.without_names:
        return list(columns) == [column_name(place) for place in range(layout.without_names)]
    return layout.columns <= set(columns)


def _files() -> Iterator[tuple[str, str]]:
    for file in sorted(resources.files(__name__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            yield file.name.removesuffix(".toml"), file.read_text("utf-8")


def _layout(content: str) -> Layout:
    values = tomllib.loads(content)
    values["columns"] = frozenset(values.get("columns", ()))
    return Layout(**values)
