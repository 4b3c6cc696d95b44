"""Names of remote files that users give: patterns of them, and what is asked of many at a time."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Sequence
from itertools import groupby, takewhile
from pathlib import Path

from registry.datasets.remote.paths import RemotePath, is_remote, is_url, path_of
from registry.errors import UnreadableDataset

# With fewer files each is asked when it is needed.
_SEVERAL = 4
# Remote files of one ending that show their format.
_SHOW = 8


def named(name: str, *, several: bool) -> list[Path]:
    """Return the remote files that a name stands for, which may have wildcards.

    One of `several` names that has none of them may be missing. Raises UnreadableDataset.
    """
    from registry.datasets.remote.listing import matching

    # On web servers `?` begins a query, and `[` may be part of a name.
    is_pattern = "*" in name if name.startswith("http") else glob.has_magic(name)
    if not is_pattern:
        return [path_of(name)] if several else []
    scheme, _, rest = name.partition("://")
    parts = rest.split("/")
    first = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    if first == 0:
        raise UnreadableDataset(f"{name} names no bucket or server", "name it without wildcards")
    base = "/".join(parts[:first])
    found = matching(f"{scheme}://{base}", "/".join(parts[first:]))
    return [path_of(url) for url in sorted(found)]


def missing(name: str) -> UnreadableDataset:
    """Return the error for a name that stands for no file, with the reason."""
    path = path_of(name)
    if isinstance(path, RemotePath):
        try:
            path.refuse()
        except UnreadableDataset as error:
            return error
    return UnreadableDataset(f"{name} does not exist", "check the name")


def shown_by(paths: Sequence[Path]) -> list[Path]:
    """Return the files that show the format of all: those that exist, and few remote ones alike."""
    alike = Counter[str]()
    shown: list[Path] = []
    for path in paths:
        if is_remote(path) and alike[path.suffix] == _SHOW:
            continue
        if path.exists():
            alike[path.suffix] += 1
            shown.append(path)
    return shown


def learn_of_all(paths: Sequence[Path]) -> None:
    """Ask for many remote files at a time."""
    urls = [str(path) for path in paths if is_remote(path)]
    if len(urls) > _SEVERAL:
        _learn(urls)


def learn_anew(paths: Sequence[Path]) -> None:
    """Forget what is known of remote files, which may have changed, and ask again."""
    urls = [str(path) for path in paths if is_remote(path)]
    if urls:
        from registry.datasets.remote.known import forget

        forget()
        _learn(urls, head_size=1)


def _learn(urls: Sequence[str], **head_size: int) -> None:
    """Ask for files, for many of one folder by listing it."""
    from registry.datasets.remote.known import look_at_all
    from registry.datasets.remote.listing import learn_at_once

    left: list[str] = []
    for folder, files in groupby(urls, key=lambda url: url.rpartition("/")[0]):
        here = list(files)
        names = [url[len(folder) + 1 :] for url in here]
        if len(here) <= _SEVERAL or not learn_at_once(folder, _common_start(names)):
            left += here
    look_at_all(left, **head_size)


def forget_all(names: Sequence[str]) -> None:
    """Forget what is known of remote files, if names are of some."""
    if any(map(is_url, names)):
        from registry.datasets.remote.known import forget

        forget()


def _common_start(names: Sequence[str]) -> str:
    """Return how all names begin."""
    first, last = min(names), max(names)
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(one for one, _ in pairs)
