"""Folders of remote files, and patterns of their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from registry.datasets.remote import known
from registry.datasets.remote.faults import NO_ACCESS, told_of
from registry.datasets.remote.places import Info, place_of
from registry.errors import UnreadableDataset
from registry.text import visible

# Folders within folders; links of a web server may lead in a circle.
_DEEPEST = 64
CREDENTIALS = (
    "give credentials as the tools of this place do (AWS_PROFILE, gcloud auth, hf auth login), "
    "or check the name"
)


def inside(folder: str, *, hidden: bool) -> Iterator[tuple[tuple[str, str], bool]]:
    """Yield what is directly in a folder, sorted, and whether it is a folder.

    Raises UnreadableDataset for a folder that cannot be read.
    """
    if folder.count("/") > _DEEPEST:
        raise UnreadableDataset(f"{folder}: folders are nested too deeply", "name a folder in it")
    for name, is_folder in _names(folder, ""):
        is_hidden = name.startswith(".")
        if is_hidden == hidden if not is_folder else not is_hidden:
            yield (folder, name), is_folder


def _names(folder: str, prefix: str) -> list[tuple[str, bool]]:
    """Return the names in a folder that begin so, sorted, and remember what is said of them."""
    found: set[tuple[str, bool]] = set()
    try:
        for name, info in place_of(folder).inside(folder, prefix):
            if not name or "\0" in name or "/" in name:
                raise UnreadableDataset(
                    f"{folder}: the name {visible(name) or '(empty)'} is not one of a file",
                    "rename it, or name other files",
                )
            found.add((name, info.is_folder))
            _learn(f"{folder}/{name}", info)
    except OSError as error:
        raise refused(folder, error) from error
    if not _is_page(folder):
        known.learn_folder(folder, prefix, len(found))
    return sorted(found)


def _learn(url: str, info: Info) -> None:
    # A file goes before a folder of its name, as a listing of objects may have both.
    if not _is_page(url) and not (info.is_folder and known.is_learned(url)):
        known.learn(url, info)


def _is_page(url: str) -> bool:
    """Return whether all that is known of a file is a link."""
    return url.startswith("http")


def learn_at_once(folder: str, prefix: str) -> bool:
    """Learn of the files in a folder that begin so; return whether its place says enough."""
    if _is_page(folder):
        return False
    try:
        _names(folder, prefix)
    except UnreadableDataset:
        return False
    return True


def refused(url: str, error: OSError) -> UnreadableDataset:
    """Return the error for a file or folder that cannot be read."""
    why = error.strerror or str(told_of(error).strerror)
    if isinstance(error, FileNotFoundError):
        return UnreadableDataset(f"{url} does not exist", "check the name")
    hint = CREDENTIALS if why.startswith(NO_ACCESS) else "check the name, or try again later"
    return UnreadableDataset(f"{url} cannot be read: {why}", hint)


def matching(base: str, pattern: str) -> Iterator[str]:
    """Yield the files and folders below `base` that match a pattern, as `glob` does."""
    first, _, rest = pattern.partition("/")
    if first == "**":
        yield from _below(base, rest)
        return
    prefix = re.split(r"[*?\[]", first)[0]
    for name, is_folder in _names(base, prefix):
        if name.startswith(".") != first.startswith(".") or not fnmatchcase(name, first):
            continue
        if not rest:
            yield f"{base}/{name}"
        elif is_folder:
            yield from matching(f"{base}/{name}", rest)


def _below(base: str, rest: str) -> Iterator[str]:
    """Yield what matches in a folder and in all below it."""
    if rest:
        yield from matching(base, rest)
    for (folder, name), is_folder in inside(base, hidden=False):
        if is_folder:
            yield from _below(f"{folder}/{name}", rest)
        elif not rest:
            yield f"{folder}/{name}"
