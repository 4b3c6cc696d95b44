"""What was learned of remote files: their sizes, versions and first bytes.

Formats ask a file for the same several times before one of them reads it. What a listing says is
not asked again.
"""

from __future__ import annotations

import errno
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

from registry.datasets.remote.ahead import ahead
from registry.datasets.remote.faults import retried
from registry.datasets.remote.places import Info, forget_listings, place_of

Value = TypeVar("Value")
# Files whose sizes are known, and those whose first bytes are.
_MOST, _MOST_HEADS = 1 << 20, 64
# The first bytes that are kept.
HEAD = 1 << 16


class _Recent(Generic[Value]):
    """The values that were used last."""

    def __init__(self, most: int) -> None:
        self._most, self._values, self._lock = most, OrderedDict[str, Value](), Lock()

    def get(self, url: str) -> Value | None:
        with self._lock:
            if url in self._values:
                self._values.move_to_end(url)
            return self._values.get(url)

    def put(self, url: str, value: Value) -> bool:
        """Keep a value; return whether an old one had to go."""
        with self._lock:
            self._values[url] = value
            is_full = len(self._values) > self._most
            if is_full:
                self._values.popitem(last=False)
            return is_full

    def clear(self) -> None:
        with self._lock:
            self._values.clear()


class _Absent(NamedTuple):
    error: OSError


_infos = _Recent[Info | _Absent](_MOST)
_heads = _Recent[bytes](_MOST_HEADS)
# Folders of which all files whose names begin so are known: others do not exist.
_listed: dict[str, str] = {}
_NO_NAME = "\0"


def look(url: str, head_size: int = HEAD) -> Info:
    """Return what is known of a file or folder, asking for it at most once. Raises OSError.

    Where its first bytes come along, so many are got.
    """
    known = _infos.get(url)
    folder, _, name = url.rpartition("/")
    if known is None and name.startswith(_listed.get(folder, _NO_NAME)):
        raise FileNotFoundError(errno.ENOENT, "it does not exist")
    if known is None:
        try:
            known, head = retried(lambda: place_of(url).look(url, head_size))
        except (FileNotFoundError, PermissionError) as error:
            known, head = _Absent(error), None
        _infos.put(url, known)
        if head is not None and head_size == HEAD:
            _heads.put(url, head)
    if isinstance(known, _Absent):
        raise known.error
    return known


def head_of(url: str) -> bytes | None:
    """Return the first bytes of a file, if they are known."""
    return _heads.get(url)


def keep_head(url: str, head: bytes) -> None:
    """Remember the first bytes of a file."""
    _heads.put(url, head)


def learn(url: str, info: Info) -> None:
    """Remember what a listing says of a file."""
    if _infos.put(url, info):
        _listed.clear()


def is_learned(url: str) -> bool:
    """Return whether something is known of a file or folder."""
    return _infos.get(url) is not None


def learn_folder(folder: str, prefix: str, files: int) -> None:
    """Remember that all files of a folder are known whose names begin so."""
    if files < _MOST and _listed.get(folder) != "":
        _listed[folder] = prefix


def look_at_all(urls: Sequence[str], head_size: int = HEAD) -> None:
    """Ask for several files at a time; what fails is asked again when it is needed."""
    for _ in ahead(lambda url: _try_to_look(url, head_size), urls):
        pass


def _try_to_look(url: str, head_size: int) -> None:
    try:
        look(url, head_size)
    except OSError:
        return


def forget() -> None:
    """Ask for everything anew: files may have changed."""
    _infos.clear()
    _listed.clear()
    _heads.clear()
    forget_listings()
