"""A path that a user names: an empty one, as of an unset variable, is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click


class NamedPath(click.Path):
    """A path, as a `Path`; the empty text would otherwise mean the current folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        """Return the text as a Path. Fails with a usage error if it is empty."""
        if value == "":
            self.fail("the name is empty; the current folder is `.`", param, ctx)
        if isinstance(value, str) and "://" in value:
            self.fail(f"{value} is a URL; only a dataset to check may be remote", param, ctx)
        return super().convert(value, param, ctx)
