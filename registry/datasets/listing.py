"""Lists of the files below folders, which take little more memory than the names of the files."""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, overload

from registry.datasets.remote.listing import inside
from registry.datasets.remote.paths import is_url, path_of
from registry.errors import UnreadableDataset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Names that are kept as one value, and most different endings of names that are known.
_RUN, _ENDINGS = 4096, 1000
_END = b"\0"
# The folder and the name of a file.
File = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Run:
    """Files of one folder that follow one another; `first` is the number of the first one."""

    folder: str
    names: bytes
    first: int
    count: int

    def split(self) -> list[str]:
        return [os.fsdecode(name) for name in self.names.split(_END)]

    @property
    def start(self) -> str:
        return os.fsdecode(self.names.partition(_END)[0])


class Listing(Sequence[Path]):
    """Files in their order. Those of a folder are sorted by name."""

    def __init__(self, files: Iterable[File]) -> None:
        self._runs: list[_Run] = []
        self._of_folder: dict[str, list[_Run]] = {}
        self._size = 0
        self._endings: set[str] = set()
        folder, names = "", list[str]()
        for in_, name in files:
            if in_ != folder or len(names) == _RUN:
                self._add(folder, names)
                folder, names = in_, []
            names.append(name)
        self._add(folder, names)
        self._last: tuple[_Run | None, list[str]] = (None, [])

    def _add(self, folder: str, names: Sequence[str]) -> None:
        if names:
            run = _Run(folder, _END.join(map(os.fsencode, names)), self._size, len(names))
            self._runs.append(run)
            self._of_folder.setdefault(folder, []).append(run)
            self._size += len(names)
            if len(self._endings) < _ENDINGS:
                self._endings.update(os.path.splitext(name)[1].lower() for name in names)

    def __len__(self) -> int:
        """Return the number of files."""
        return self._size

    def __iter__(self) -> Iterator[Path]:
        """Yield the files as paths."""
        return (_path(folder, name) for folder, name in self.files())

    @overload
    def __getitem__(self, place: int) -> Path: ...

    @overload
    def __getitem__(self, place: slice) -> list[Path]: ...

    def __getitem__(self, place: int | slice) -> Path | list[Path]:
        """Return a file by its number, or some."""
        numbers = range(self._size)[place]
        if isinstance(numbers, int):
            return _path(*next(self.files(numbers)))
        if numbers.step == 1:
            some = islice(self.files(numbers.start), len(numbers))
            return [_path(folder, name) for folder, name in some]
        return [self[number] for number in numbers]

    def files(self, first: int = 0) -> Iterator[File]:
        """Yield the files from the number `first` on."""
        at = bisect_right(self._runs, first, key=lambda run: run.first + run.count)
        for run in islice(self._runs, at, None):
            for name in run.split()[max(first - run.first, 0) :]:
                yield run.folder, name

    def folders(self) -> Iterator[tuple[str, Iterator[tuple[int, str]]]]:
        """Yield each folder with the numbers and names of its own files."""
        for folder, runs in self._of_folder.items():
            yield folder, (pair for run in runs for pair in enumerate(run.split(), run.first))

    def may_have(self, endings: Iterable[str]) -> bool:
        """Return whether there may be a file with one of some endings: False is certain."""
        return len(self._endings) >= _ENDINGS or not self._endings.isdisjoint(endings)

    def has_folder(self, folder: str) -> bool:
        """Return whether a folder has files of the listing."""
        return folder in self._of_folder

    def number_of(self, folder: str, name: str) -> int | None:
        """Return the number of a file; None if it is not in the listing."""
        run, names = self._last
        if run is None or run.folder != folder or not names[0] <= name <= names[-1]:
            runs = self._of_folder.get(folder, [])
            at = bisect_right(runs, name, key=lambda one: one.start) - 1
            if at < 0:
                return None
            run, names = self._last = runs[at], runs[at].split()
        place = bisect_left(names, name)
        return run.first + place if place < len(names) and names[place] == name else None

    def where(self, mask: NDArray[np.bool_]) -> Listing:
        """Return the files of which a mask is true."""
        return Listing(file for file, taken in zip(self.files(), mask, strict=True) if taken)

    @property
    def has_line_ends(self) -> bool:
        """Whether the path of a file has a line end in it."""
        return any("\n" in run.folder or b"\n" in run.names for run in self._runs)


_SHARED: ContextVar[dict[Path, Listing] | None] = ContextVar("listings", default=None)


@contextmanager
def listed_once() -> Iterator[None]:
    """Within this context each folder is listed only once."""
    token = _SHARED.set({})
    try:
        yield
    finally:
        _SHARED.reset(token)


def listing_of(folder: Path) -> Listing:
    """Return all files below a folder, except hidden ones, sorted by their paths.

    Raises UnreadableDataset for a folder that cannot be read: files that are skipped
    without an error would look as if they had been checked.
    """
    shared = _SHARED.get()
    if shared is None:
        return Listing(walked(folder))
    if folder not in shared:
        shared[folder] = Listing(walked(folder))
    return shared[folder]


def walked(folder: Path, *, hidden: bool = False) -> Iterator[File]:
    """Yield the files below a folder, sorted; only hidden ones, or only the others.

    Links to folders are followed, but each folder is read only once; hidden ones are not.
    Raises UnreadableDataset for a folder that cannot be read.
    """
    seen: set[tuple[int, int]] = set()
    # A path as pathlib writes it has no "." before a name.
    top = "" if str(folder) == "." else str(folder).rstrip("/") or "/"
    waiting = [_inside(top, hidden, seen)]
    while waiting:
        for file, is_folder in waiting[-1]:
            if is_folder:
                waiting.append(_inside(os.path.join(*file), hidden, seen))
                break
            yield file
        else:
            waiting.pop()


def _inside(folder: str, hidden: bool, seen: set[tuple[int, int]]) -> Iterator[tuple[File, bool]]:
    """Yield what is directly in a folder, sorted, and whether it is a folder."""
    if is_url(folder):
        yield from inside(folder, hidden=hidden)
        return
    names: list[str] = []
    folders: set[str] = set()
    try:
        here = os.stat(folder or ".")
        if (here.st_dev, here.st_ino) in seen:
            return
        seen.add((here.st_dev, here.st_ino))
        with os.scandir(folder or ".") as entries:
            for entry in entries:
                is_hidden = entry.name.startswith(".")
                if _is_folder(entry):
                    folders.add(entry.name)
                    if is_hidden:
                        continue
                elif is_hidden != hidden:
                    continue
                names.append(entry.name)
    except OSError as error:
        raise UnreadableDataset(
            f"{folder or '.'} cannot be read: {error.strerror}",
            "give yourself permission to read it",
        ) from error
    names.sort()
    for name in names:
        yield (folder, name), name in folders


def _path(folder: str, name: str) -> Path:
    return path_of(f"{folder}/{name}") if is_url(folder) else Path(folder, name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads in a circle is a file that cannot be read.
        return False
