"""Paths of remote files, which formats use as they use paths on disk.

A path is its URL. In paths of web servers names are encoded as URLs have them; other places take
names as they are, also with `%`, `?` or spaces.
"""

from __future__ import annotations

import errno
import io
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import total_ordering
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from registry.datasets.remote.places import SCHEMES, Info
from registry.errors import UnreadableDataset

_URL = re.compile(rf"({'|'.join(SCHEMES)})://", re.IGNORECASE)
_WEB = ("http://", "https://")
# What a URL may hold as it is.
_IN_URLS = "%/:?#[]@!$&'()*+,;=~"

if TYPE_CHECKING:
    _Base = Path
else:
    _Base = object


def is_remote(path: object) -> bool:
    """Return whether a path is that of a remote file."""
    return isinstance(path, RemotePath)


def is_url(name: str) -> bool:
    """Return whether a name is that of a remote file."""
    return _URL.match(name) is not None


def path_of(name: str) -> Path:
    """Return the path of a file, which may be remote."""
    return RemotePath(name) if is_url(name) else Path(name)


def without_remote(paths: Sequence[Path]) -> list[Path]:
    """Return the paths on disk."""
    return [path for path in paths if not is_remote(path)]


@dataclass(frozen=True, slots=True)
class RemoteStat:
    """What is known of a file. The time is a number that differs when the file does."""

    st_mode: int
    st_size: int
    st_mtime_ns: int


@total_ordering
class RemotePath(_Base):
    """A file or folder at a URL. What is learned of it is kept, and not asked again."""

    def __init__(self, url: str) -> None:
        scheme, _, rest = url.partition("://")
        url = f"{scheme.lower()}://{rest}"
        if self._is_web(url):
            self._url = quote(url.partition("#")[0], safe=_IN_URLS)
        else:
            self._url = url.rstrip("/")

    @staticmethod
    def _is_web(url: str) -> bool:
        return url.startswith(_WEB)

    def _split(self) -> tuple[str, str, str]:
        """Return the URL before the last name, the name, and what follows it."""
        url = self._url.partition("?")[0] if self._is_web(self._url) else self._url
        whole = url.rstrip("/")
        rest = self._url[len(whole) :]
        place = whole.rfind("/", whole.find("://") + 3)
        return (whole, "", rest) if place == -1 else (whole[:place], whole[place + 1 :], rest)

    @property
    def name(self) -> str:
        """The last part, decoded."""
        name = self._split()[1]
        return unquote(name) if self._is_web(self._url) else name

    @property
    def suffix(self) -> str:
        """The ending of the name."""
        return PurePosixPath(self.name).suffix

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return PurePosixPath(self.name).stem

    @property
    def parent(self) -> RemotePath:
        """The folder; of a bucket or server, itself."""
        return RemotePath(self._split()[0])

    def with_name(self, name: str) -> RemotePath:
        """Return the path of another name in the same folder."""
        folder, _, rest = self._split()
        return RemotePath(f"{folder}/{self._encoded(name)}{rest}")

    def with_suffix(self, suffix: str) -> RemotePath:
        """Return the path with another ending."""
        return self.with_name(self.stem + suffix)

    def __truediv__(self, name: str | os.PathLike[str]) -> RemotePath:
        """Return the path of something in this folder."""
        return RemotePath(f"{self._url.rstrip('/')}/{self._encoded(os.fspath(name))}")

    def _encoded(self, name: str) -> str:
        return quote(name) if self._is_web(self._url) else name

    def match(self, pattern: str, **_: Any) -> bool:  # type: ignore[override]
        """Return whether the name matches a pattern."""
        return PurePosixPath(self.name).match(pattern)

    def absolute(self) -> RemotePath:
        """Return the path itself."""
        return self

    def resolve(self, strict: bool = False) -> RemotePath:
        """Return the path itself."""
        return self

    def is_relative_to(self, *other: Any) -> bool:
        """Return whether it lies in a folder."""
        return self._url.startswith(f"{other[0]}".rstrip("/") + "/")

    def exists(self, **_: Any) -> bool:
        """Return whether there is a file or folder. Raises UnreadableDataset."""
        return self._known() is not None

    def is_dir(self, **_: Any) -> bool:
        """Return whether it is a folder. Raises UnreadableDataset."""
        found = self._known()
        return found is not None and found.is_folder

    def is_file(self, **_: Any) -> bool:
        """Return whether it is a file. Raises UnreadableDataset."""
        found = self._known()
        return found is not None and not found.is_folder

    def _known(self) -> Info | None:
        from registry.datasets.remote import known
        from registry.datasets.remote.listing import refused

        try:
            return known.look(self._url)
        except (FileNotFoundError, PermissionError):
            # Without the right to list them, places deny files that do not exist.
            return None
        except OSError as error:
            if error.errno == errno.EINVAL:
                return None
            raise refused(self._url, error) from error

    def refuse(self) -> None:
        """Raise UnreadableDataset if there is no such file or folder, with the reason."""
        from registry.datasets.remote import known
        from registry.datasets.remote.listing import refused

        try:
            known.look(self._url)
        except OSError as error:
            raise refused(self._url, error) from error

    def stat(self, **_: Any) -> RemoteStat:  # type: ignore[override]
        """Return what is known of the file. Raises OSError."""
        from registry.datasets.remote import known

        found = known.look(self._url)
        mode = stat.S_IFDIR if found.is_folder else stat.S_IFREG
        digest = blake2b(found.version.encode(), digest_size=7).digest()
        return RemoteStat(mode, found.size, int.from_bytes(digest, "big"))

    def open(self, mode: str = "rb", buffering: int = -1, **_: Any) -> IO[Any]:  # type: ignore[override]
        """Open the file for reading; without a buffer, little is read ahead. Raises OSError."""
        from registry.datasets.remote import known
        from registry.datasets.remote.ranges import FIRST, RangeFile, StreamFile, StreamReader

        if mode != "rb":
            raise UnreadableDataset(f"{self} is remote, and cannot be written", "name a local file")
        found = known.look(self._url)
        if not found.ranges:
            return StreamReader(StreamFile(self._url, found), FIRST)
        file = RangeFile(self._url, found, ahead=buffering != 0)
        return io.BufferedReader(file, FIRST) if buffering else file  # type: ignore[return-value]

    def __fspath__(self) -> str:
        """Return the URL."""
        return self._url

    def __str__(self) -> str:
        """Return the URL."""
        return self._url

    def __repr__(self) -> str:
        """Return it as an expression."""
        return f"RemotePath({self._url!r})"

    def __eq__(self, other: object) -> bool:
        """Return whether the URLs are equal."""
        return isinstance(other, RemotePath) and self._url == other._url

    def __lt__(self, other: object) -> bool:
        """Order by URL."""
        return self._url < str(other)

    def __hash__(self) -> int:
        """Return the hash of the URL."""
        return hash(self._url)
