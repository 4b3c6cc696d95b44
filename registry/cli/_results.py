"""The files that `registry check` writes: refused before the check if they cannot be written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from registry.cli._summaries import ENDINGS
from registry.errors import UnwritableOutput, UsageError
from registry.terminal import say

# What the file of each option holds.
_WRITTEN = {
    "--out": "rows",
    "--removal": "rows to remove",
    "--indices": "numbers of kept rows",
    "--report": "report",
    "--ai-act": "summary for the AI Act",
    "--croissant": "description",
}
# By option: the endings of the names that it takes, what it writes, and the hint for another name.
_ENDINGS = {
    **ENDINGS,
    "--indices": ((".npy",), "an array of NumPy is written", "name an .npy file"),
}
# Options whose files have the rows that --keep names.
_OF_KEPT_ROWS = ("--out", "--removal", "--indices")

# Options whose files would be read as a part of the dataset, if they were in its folder.
_READ_AGAIN = (*_OF_KEPT_ROWS, "--ai-act")

# Options, each with the file that is to be written.
Results = Sequence[tuple[str, Path]]


def named(files: Sequence[tuple[str, Path | None]]) -> Results:
    """Return those options that name a file."""
    return [(option, path) for option, path in files if path]


def first_outside(results: Results, names: Sequence[str]) -> Path | None:
    """Return the first file that is not in a folder of the dataset, given what was named of it."""
    from registry.datasets import is_inside

    folders = _folders(names)
    return next((path for _, path in results if not is_inside(path, folders)), None)


def _folders(names: Sequence[str]) -> list[Path]:
    return [Path(name) for name in names if "://" not in name]


def say_written(results: Results) -> None:
    """Say where the files are."""
    for option, path in results:
        say(f"{_WRITTEN[option]}: {path}")


def refuse_keep_alone(keep: Sequence[str], results: Results) -> None:
    """Raise UsageError for outcomes to keep without a file that has the rows."""
    if keep and not any(option in _OF_KEPT_ROWS for option, _ in results):
        raise UsageError(
            "--keep needs --out, --removal or --indices",
            "name the file to write: --out clean.parquet",
        )


def refuse_results(results: Results, taken: Sequence[Path], names: Sequence[str]) -> None:
    """Raise UsageError if a result could not be written, or if two options name one file.

    `taken` are the files of the dataset, `names` what was named of it.
    """
    from registry.datasets import refuse_inside

    options: dict[Path, str] = {}
    for option, path in results:
        place = _place(path, option)
        _refuse_unwritable(path, option, taken)
        if option in _READ_AGAIN:
            refuse_inside(path, _folders(names))
            _refuse_matching(path, option, names)
        if place in options:
            other = options[place]
            raise UsageError(f"{other} and {option} name the same file", "name different files")
        options[place] = option


def _refuse_matching(path: Path, option: str, names: Sequence[str]) -> None:
    """Raise UsageError for a file that a pattern of the dataset would find the next time."""
    from registry.datasets.braces import expanded

    file = os.path.abspath(path)
    for name in names:
        patterns = expanded(name) if "://" not in name else []
        if any(fnmatch(file, os.path.abspath(pattern)) for pattern in patterns):
            raise UsageError(
                f"{option} {path} is among what {name} stands for: the next check would read it",
                "name a file in another folder",
            )


def _place(path: Path, option: str) -> Path:
    from registry.durable import place_of

    try:
        return place_of(path)
    except UnwritableOutput as error:
        raise UsageError(f"{option} {error.message}", error.hint) from error


def _refuse_unwritable(path: Path, option: str, taken: Sequence[Path]) -> None:
    from registry.datasets import refuse_own_files

    if path.exists():
        if path.is_dir():
            raise UsageError(f"{option} {path} is a folder that is there", "name a new one")
        if not path.is_file():
            raise UsageError(f"{option} {path} is not a regular file", "name a file")
        refuse_own_files(path, taken)
    if option in _ENDINGS:
        endings, means, hint = _ENDINGS[option]
        if path.suffix.lower() not in endings:
            raise UsageError(f"{option} {path}: {means}", hint)
    if not path.parent.is_dir():
        raise UsageError(
            f"{option} {path}: there is no folder {path.parent}",
            "create it, or name a file in another folder",
        )
    if not os.access(path.parent, os.W_OK):
        raise UsageError(
            f"{option} {path} cannot be written", "name a file in a folder that you may write to"
        )
