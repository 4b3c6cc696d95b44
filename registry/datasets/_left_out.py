"""What lies beside the files of a dataset and was not read, and what follows from it.

A row is not clear for pictures that lay there unread. Files of words (captions, a
README) say nothing about whose pictures these are and change nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from registry.errors import RefusedFile, UnreadableDataset
from registry.files import opened

Kind = Literal["pictures", "archives", "tables", "words"]
PICTURES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp"}) | {
    *(".tif", ".tiff", ".avif", ".heic", ".heif", ".jp2", ".jxl")
}
ARCHIVES = frozenset({".tar", ".zip", ".tgz", ".gz", ".zst", ".7z", ".npz"})
TABLES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".arrow", ".feather", ".parquet", ".npy"})
# A table with one of these may hold keys of the pictures beside it.
_KEYS = re.compile(rb"https?:|[0-9a-fA-F]{16}")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files of one kind that were not read; `reason` is why no row may be clear, or None."""

    kind: Kind
    files: int
    suffixes: tuple[str, ...]
    reason: str | None = None

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.files} files beside it ({', '.join(self.suffixes)}): {self.means}"

    @property
    def means(self) -> str:
        """Return in words what these files are, and that they were not read."""
        return _MEANS[self.kind]

    def to_json(self) -> dict[str, Any]:
        """Return it as `check --json` prints it."""
        return {"kind": self.kind, "files": self.files, "suffixes": list(self.suffixes)}


_MEANS = {
    "pictures": "pictures, not compared",
    "archives": "archives, not read",
    "tables": "tables, not read",
    "words": "neither rows nor pictures",
}


def left_out(files: Sequence[Path], *, pictures_read: bool) -> tuple[LeftOut, ...]:
    """Return what was passed over, by kind.

    `pictures_read`: the rows are the pictures of the folder, so that a table beside
    them may hold their keys; else the rows are those of a table, and pictures beside
    it are the rows' own.
    """
    by_kind: dict[Kind, list[Path]] = {}
    for path in files:
        by_kind.setdefault(_kind(path, pictures_read), []).append(path)
    return tuple(
        LeftOut(kind, len(paths), _suffixes(paths), _reason(kind, paths, pictures_read))
        for kind, paths in sorted(by_kind.items())
    )


def reasons(left: Sequence[LeftOut]) -> list[str]:
    """Return the reasons for which no row of the dataset may be clear."""
    return [one.reason for one in left if one.reason]


def _kind(path: Path, pictures_read: bool) -> Kind:
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return "pictures"
    if suffix in ARCHIVES:
        return "archives"
    # Beside pictures img2dataset writes one JSON file each; beside tables it is about them.
    return "tables" if suffix in TABLES or (pictures_read and suffix == ".json") else "words"


def _suffixes(paths: Sequence[Path]) -> tuple[str, ...]:
    counts = Counter(path.suffix.lower() or "no suffix" for path in paths)
    return tuple(f"{count} {suffix}" for suffix, count in sorted(counts.items()))


def _reason(kind: Kind, paths: Sequence[Path], pictures_read: bool) -> str | None:
    if kind in ("pictures", "archives") and not pictures_read:
        return "pictures-left-out"
    if kind == "archives":
        return None
    if kind == "tables" and pictures_read and any(map(_holds_keys, paths)):
        return "metadata-left-out"
    return None


def _holds_keys(path: Path) -> bool:
    if path.suffix.lower() not in (".csv", ".tsv", ".json", ".jsonl", ".ndjson"):
        return True
    try:
        with opened(path) as file:
            tail = b""
            while chunk := file.read(_CHUNK):
                if _KEYS.search(tail + chunk):
                    return True
                tail = chunk[-32:]
    except RefusedFile:
        return True
    except OSError as error:
        raise UnreadableDataset(f"{path} cannot be read: {error.strerror}") from error
    return False
