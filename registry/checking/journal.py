"""The parts of a check that are done, kept in a folder so that an interrupted check goes on.

The folder holds `check.json`, which names what is checked against what and how, and for each part
`N.json` with its counts and where the next part begins, and `N.arrow` with the answers of its
rows. A part is there when its `N.json` is. If anything of `check.json` differs, all is done anew.
The process that uses the folder holds a lock on `check.json`.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from registry import durable
from registry.checking.tally import Tally
from registry.datasets.units import Part, Unit
from registry.errors import UsageError

SUFFIX = ".unfinished"
_CHECK = "check.json"


class Busy(UsageError):
    """Another check uses the folder."""


@dataclass(frozen=True, slots=True)
class Done:
    """A part that is done: its counts, the table of its last row, and how many of it are done."""

    tally: Tally
    table: int
    rows: int


class Journal:
    """The parts of one check. Without a folder nothing is kept."""

    def __init__(self, folder: Path | None, about: Mapping[str, Any]) -> None:
        """Read the parts that are done of the same check; `about` names it, as values of JSON.

        Raises Busy if another check uses the folder, UsageError if it is no folder of a check.
        """
        self.folder, self._about = folder, json.loads(json.dumps(about))
        self.done: list[Done] = []
        self._lock: int | None = None
        if folder:
            _refuse_other(folder)
            with durable.reported(folder):
                folder.mkdir(exist_ok=True)
                self._lock = _locked(folder)
                self._read(folder)

    @property
    def rows(self) -> int:
        """The number of rows that are done."""
        return sum(one.tally.rows for one in self.done)

    def rest(self, units: Sequence[Unit]) -> list[Unit]:
        """Return what is left of the units of the dataset, given in their order."""
        if not self.done:
            return list(units)
        last = self.done[-1]
        left = [[part for one in unit if (part := _left(one, last))] for unit in units]
        return [unit for unit in left if unit]

    def add(self, done: Done, answers: bytes | None) -> None:
        """Keep a part with the answers of its rows (`answers_as_bytes`). Raises UnwritableOutput.

        Of its counts only the rows stay in memory.
        """
        number = len(self.done)
        values = {"tally": done.tally.to_json(), "table": done.table, "rows": done.rows}
        self.done.append(replace(done, tally=Tally(rows=done.tally.rows)))
        if self.folder is None:
            return
        if answers:
            values["answers"] = True
            with durable.reported(self.folder):
                _write(self.folder / f"{number}.arrow", answers)
        durable.write_text(self.folder / f"{number}.json", json.dumps(values))

    def answers(self) -> Answered:
        """Return the answers of the parts that are done."""
        return Answered(self._answers())

    def _answers(self) -> Iterator[pa.RecordBatch]:
        for number in range(len(self.done)):
            assert self.folder is not None
            path = self.folder / f"{number}.arrow"
            if path.exists():
                with pa.ipc.open_file(str(path)) as reader:
                    yield from map(reader.get_batch, range(reader.num_record_batches))

    def close(self) -> None:
        """Let another process use the folder; one without a part is removed."""
        if not self.done:
            self.finish()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def finish(self) -> None:
        """Remove the folder: the check is complete, or its parts are of no use."""
        if self.folder and self._lock is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self, folder: Path) -> None:
        try:
            if json.loads((folder / _CHECK).read_text("utf-8")) == self._about:
                self.done = list(_parts_in(folder))
        except ValueError:
            pass
        for path in folder.iterdir():
            # Of another check, or parts that were not finished.
            if path.name != _CHECK and not _is_done(path, len(self.done)):
                path.unlink()
        (folder / _CHECK).write_text(json.dumps(self._about), "utf-8")


class Answered:
    """The answers of rows one after the other, in portions of any size."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._waiting: list[pa.RecordBatch] = []

    def take(self, rows: int) -> pa.RecordBatch:
        """Return the answers of the next rows; fewer if there are no more."""
        while sum(map(len, self._waiting)) < rows:
            batch = next(self._batches, None)
            if batch is None:
                break
            self._waiting.append(batch)
        if not self._waiting:
            raise ValueError("there are no more answers")
        whole = pa.concat_batches(self._waiting)
        self._waiting = [whole.slice(rows)]
        return whole.slice(0, rows)


def _refuse_other(folder: Path) -> None:
    """Raise UsageError for a folder, or file, that no check made."""
    if not folder.exists() or (folder / _CHECK).is_file():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise UsageError(
            f"{folder} is not the folder of an interrupted check", "move it away, or remove it"
        )


def _locked(folder: Path) -> int:
    """Lock the folder for this process; raise Busy if another one uses it."""
    lock = os.open(folder / _CHECK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_nlink:
            return lock
        # The other one has ended just now, and removed the folder.
    except OSError:
        pass
    os.close(lock)
    raise Busy(f"another check is at work in {folder}", "wait for it, or name another result")


def is_begun(folder: Path) -> bool:
    """Return whether an interrupted check has left parts in a folder. Raises Busy."""
    return (folder / _CHECK).is_file() and _unlocked(folder) and (folder / "0.json").exists()


def discard(folder: Path) -> None:
    """Remove the folder of an interrupted check; another folder is left as it is. Raises Busy."""
    if (folder / _CHECK).is_file() and _unlocked(folder):
        shutil.rmtree(folder)


def _unlocked(folder: Path) -> bool:
    """Return True; raise Busy if another process uses the folder."""
    os.close(_locked(folder))
    return True


def _parts_in(folder: Path) -> Iterator[Done]:
    """Yield the parts in a folder, up to the first that is missing or damaged."""
    number = 0
    while (path := folder / f"{number}.json").is_file():
        try:
            values = json.loads(path.read_text("utf-8"))
            done = Done(Tally.from_json(values["tally"]), int(values["table"]), int(values["rows"]))
            if values.get("answers") and _rows_in(folder / f"{number}.arrow") != done.tally.rows:
                return
        except (KeyError, TypeError, ValueError, OSError, pa.ArrowException):
            return
        yield done
        number += 1


def _rows_in(path: Path) -> int:
    with pa.ipc.open_file(str(path)) as reader:
        return sum(reader.get_batch(n).num_rows for n in range(reader.num_record_batches))


def _is_done(path: Path, parts: int) -> bool:
    return path.stem.isdecimal() and int(path.stem) < parts


def _left(part: Part, last: Done) -> Part | None:
    """Return what is left of a part after the last row that is done, or None."""
    if part.table != last.table:
        return part if part.table > last.table else None
    skipped = max(last.rows - part.first, 0)
    if part.rows is None:
        return Part(part.table, part.first + skipped)
    if part.rows <= skipped:
        return None
    return Part(part.table, part.first + skipped, part.rows - skipped)


def answers_as_bytes(batches: Sequence[pa.RecordBatch]) -> bytes | None:
    """Return the answers of a part as the bytes of a file; None: there are none."""
    if not batches:
        return None
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(sink, batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    durable.flush_file(path)
