"""Counts of several processes in one folder: a file of JSON lines for each of them.

The first line says what is checked against what; each other line has the counts of a part of the
rows. A line is written before its rows are passed on, so nothing is passed on that is not counted.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from registry import durable
from registry.checking.shards import merge
from registry.checking.tally import Tally
from registry.errors import UsageError
from registry.files import read_whole

_SUFFIX = ".counts.jsonl"
# Bytes after which the lines of a file are replaced by their sum.
_MOST_BYTES = 8 << 20
About = dict[str, str]


class CountsFile:
    """The counts of this process, of one split of a dataset."""

    def __init__(self, folder: Path, split: int, about: About) -> None:
        """Raises UsageError for a folder with the counts of another check."""
        refuse_others(folder, about)
        who = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._path = folder / f"{split:03d}-{who}{_SUFFIX}"
        self._head = json.dumps(about) + "\n"
        self._total = Tally()
        self._written = 0

    def add(self, part: Tally) -> None:
        """Add the counts of some rows. Raises UnwritableOutput."""
        merge([part], into=self._total)
        line = _line(part)
        if self._written > _MOST_BYTES:
            line = _line(self._total)
            durable.write_text(self._path, self._head + line)
            self._written = len(line)
            return
        with durable.reported(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(line if self._written else self._head + line)
        self._written += len(line)


def prepare(folder: Path, about: About) -> None:
    """Make the folder. Raises UsageError if it is another one, and UnwritableOutput."""
    with durable.reported(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if any(not name.name.endswith((_SUFFIX, durable.SUFFIX)) for name in folder.iterdir()):
        raise UsageError(f"{folder} holds other files than counts", "name a new folder")
    refuse_others(folder, about)


def refuse_others(folder: Path, about: About) -> None:
    """Raise UsageError if the folder has the counts of another check."""
    for path in _files(folder):
        if _read(path)[0] not in (None, about):
            raise UsageError(
                f"{folder} holds the counts of another snapshot, policy or version",
                "name a new folder",
            )


def counts_in(folder: Path, split: int) -> Tally:
    """Return the counts of all processes for one split."""
    files = [path for path in _files(folder) if path.name.startswith(f"{split:03d}-")]
    return merge(part for path in files for part in _read(path)[1])


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.endswith(_SUFFIX))


def _read(path: Path) -> tuple[Any, Iterator[Tally]]:
    """Return the first line of a file, and its counts.

    What follows the last line end is still being written, or its process was killed.
    """
    with durable.reported(path):
        lines = read_whole(path).decode().split("\n")[:-1]
    if not lines:
        return None, iter(())
    try:
        return json.loads(lines[0]), (Tally.from_json(json.loads(line)) for line in lines[1:])
    except ValueError:
        return {}, iter(())


def _line(tally: Tally) -> str:
    return json.dumps(tally.to_json()) + "\n"
