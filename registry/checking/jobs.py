"""A check as values that a process anywhere can work at: the units of a dataset, one by one.

The process opens the dataset and the snapshot by their paths, which it must see as the one that
sent the job does. What it returns for a unit is what a check there would keep of it.
"""

from __future__ import annotations

import hashlib
import pickle
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from registry import __version__
from registry.checking.chunks import Checker
from registry.checking.columns import Columns
from registry.checking.filling import Filling
from registry.checking.journal import Done, answers_as_bytes
from registry.checking.output import AnswerColumns, Output
from registry.checking.shards import ShardOptions
from registry.datasets import open_dataset
from registry.datasets.states import MOST, states
from registry.errors import RegistryError, UnreadableDataset, UnreadableSnapshot, UsageError
from registry.pictures.hashing import PictureHasher
from registry.snapshot.opened import open_snapshot
from registry.snapshot.verified import verify_once

if TYPE_CHECKING:
    import pyarrow as pa

    from registry.datasets import Dataset
    from registry.datasets.units import Unit
    from registry.snapshot.opened import Snapshot

_SHARED = "keep it in a folder that all nodes see under the same path"
# Number of files, and size and time of the last change of each if they are not too many.
States = tuple[int, Sequence[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Job:
    """What a check depends on.

    `names` name the dataset, `read` are the columns that are read. `answers` are
    the answers of rows that are returned. `samples`
    and `all_hosts` are those of `ShardOptions`.
    """

    names: Sequence[str]
    states: States
    snapshot: str
    digest: str
    policy: str
    distance: int | None
    columns: Columns
    read: Sequence[str]
    left_out: Sequence[str]
    answers: AnswerColumns
    samples: bool
    all_hosts: bool
    version: str = __version__

    def to_bytes(self) -> bytes:
        """Return it for `check_unit`."""
        return pickle.dumps(self)


@dataclass(frozen=True, slots=True)
class DonePart:
    """A part that is done, with the answers of its rows as the bytes of a file, if any."""

    done: Done
    answers: bytes | None


def files_of(dataset: Dataset) -> States:
    """Return the states of the files of a dataset."""
    files = dataset.files
    known = [state[1:] for state in states(files)] if len(files) <= MOST else []
    return len(files), known


def check_unit(data: bytes, unit: Unit) -> list[DonePart] | RegistryError:
    """Check a unit of a job. Returns an error that the user can act on: it is not to be retried."""
    try:
        work = _work_of(data)
        done = work.check(unit)
        work.refuse_changed()
    except RegistryError as error:
        error.message = f"on {socket.gethostname()}: {error.message}"
        return error
    return done


class _Work:
    """A job with its dataset and snapshot opened: kept from unit to unit."""

    def __init__(self, data: bytes) -> None:
        job: Job = pickle.loads(data)
        if job.version != __version__:
            raise UsageError(
                f"version {__version__} is installed, the check was started by {job.version}",
                "install the same version on every node",
            )
        self._job = job
        snapshot = _open_snapshot(job)
        self._dataset = _open_dataset(job)
        self.refuse_changed()
        self.hasher = PictureHasher(1)
        label = self._dataset.label
        options = ShardOptions(
            *(job.columns, self.hasher, job.distance, label, job.left_out),
            samples=job.samples,
            all_hosts=job.all_hosts,
        )
        output = Output(answers=job.answers)
        self._checker = Checker(self._dataset, snapshot, job.policy, options, output, job.read, 1)

    def refuse_changed(self) -> None:
        """Raise UnreadableDataset if the files are not those of the job."""
        if files_of(self._dataset) != self._job.states:
            raise UnreadableDataset(
                f"{self._dataset.name} is not what it was when the check began",
                "check it again when nothing writes to it; all nodes must see the same files",
            )

    def check(self, unit: Unit) -> list[DonePart]:
        """Check a unit."""
        parts: list[DonePart] = []

        def add(done: Done, answers: Sequence[pa.RecordBatch]) -> None:
            parts.append(DonePart(done, answers_as_bytes(answers)))

        filling = Filling([unit], add)
        for one in self._checker.checked([unit]):
            filling.add(one)
        filling.finish()
        return parts


# The last job of this process, by its digest.
_last: dict[bytes, _Work] = {}


def _work_of(data: bytes) -> _Work:
    key = hashlib.sha256(data).digest()
    if key not in _last:
        for other in _last.values():
            other.hasher.close()
        _last.clear()
        _last[key] = _Work(data)
    return _last[key]


def _open_snapshot(job: Job) -> Snapshot:
    try:
        snapshot = open_snapshot(Path(job.snapshot))
    except UnreadableSnapshot as error:
        raise UnreadableSnapshot(error.message, _SHARED) from error
    if snapshot.manifest.digest != job.digest:
        raise UnreadableSnapshot(f"{job.snapshot} is another snapshot than here", _SHARED)
    verify_once(snapshot)
    snapshot.read_whole()
    return snapshot


def _open_dataset(job: Job) -> Dataset:
    try:
        return open_dataset(job.names)
    except UnreadableDataset as error:
        raise UnreadableDataset(error.message, _SHARED) from error
