"""What lies beside the files of a dataset and was not read, and what follows from it.

A row is not clear for pictures that lay there unread, nor for texts that hold addresses or
digests, which may be those of its picture. Words without any, captions, a README or a licence
change nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from registry.errors import RefusedFile, UnreadableDataset
from registry.evidence.carriers import IMAGE_FORMATS, is_still_image
from registry.files import opened

Kind = Literal["pictures", "archives", "tables", "words", "hidden"]
PICTURES = frozenset(ending for known in IMAGE_FORMATS for ending in known.endings)
ARCHIVES = frozenset({".tar", ".zip", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar"}) | {
    *(".npz", ".pkl", ".pickle", ".pt", ".h5", ".hdf5", ".mdb", ".lmdb", ".tfrecord", ".rec"),
    *(".sqlite", ".sqlite3", ".db", ".duckdb", ".xlsx", ".xls", ".ods", ".orc", ".avro", ".lance"),
}
TABLES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".arrow", ".feather", ".parquet", ".npy"})
WORDS = frozenset(
    {".txt", ".md", ".rst", ".json", ".yaml", ".yml", ".toml", ".caption", ".xml"}
) | {
    *(".html", ".htm", ".py", ".ipynb", ".sh", ".log", ".cfg", ".ini", ".bib", ".pdf"),
}
MAY_HOLD_ENTRIES = "may-hold-entries"
# A line of a caption that is an address or a hash and nothing else.
_LINE = re.compile(
    rb"(?m)^[^\S\n]*[\"']*(?:https?://\S+|(?:[0-9a-fA-F]{16}|[0-9a-fA-F]{32}|[0-9a-fA-F]{64}))\s*$"
)
# What other texts hold of addresses and hashes.
_TEXT_KEYS = re.compile(
    rb"(?i)https?:\\{0,4}/|(?<![0-9a-z])(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{64})(?![0-9a-z])"
)
_CAPTIONS = frozenset({".txt", ".caption"})
# Texts about a dataset as a whole, by their names without endings, and programs: the addresses
# in them are those of their makers.
_ABOUT = frozenset({"readme", "license", "licence", "copying", "notice", "citation"}) | {
    *("changelog", "dataset_info", "dataset_infos", "state", "croissant"),
}
_PROGRAMS = frozenset({".py", ".ipynb", ".sh", ".cfg", ".ini", ".toml", ".bib", ".pdf"})
# Vectors, which lie beside tables of addresses.
_NUMBERS = ".npy"
# To an import a line in Markdown, YAML or a plain text that is an address and nothing else.
_LISTED = re.compile(rb"(?m)^[^\S\n]*(?:(?:[*+-]|\d{1,9}[.)])[^\S\n]+)?[<\"']*https?://\S+\s*$")
# A table with one of these may hold keys of the pictures beside it.
_KEYS = re.compile(rb"https?:|[0-9a-fA-F]{16}")
_MAY_LACK_KEYS = frozenset({".csv", ".tsv", ".json", ".jsonl", ".ndjson"})
# A file in which macOS keeps attributes of the one beside it; its name is that with "._".
_APPLE_DOUBLE = b"\0\5\x16\7"
# To an import a site in an object of JSON is a key, too.
_ENTRIES = re.compile(rb"%b|(?i:\"(?:url|site)\")\s*:" % _KEYS.pattern)
_CHUNK = 1 << 20
# Bytes at the start of a file that tell its kind, and of an address over the end of a chunk.
_HEAD, _LONGEST = 512, 2048


@dataclass(frozen=True, slots=True)
class SkippedFiles:
    """Files of one kind that were not read; `reason` is why no row may be clear, or None."""

    kind: Kind
    files: int
    suffixes: tuple[str, ...]
    reason: str | None = None

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.count} beside the dataset ({', '.join(self.suffixes)}): {self.means}"

    @property
    def count(self) -> str:
        """Return how many files these are, in words."""
        return "1 file" if self.files == 1 else f"{self.files:,} files"

    @property
    def means(self) -> str:
        """Return in words what these files are, and that they were not read."""
        return _MEANS[self.kind]

    def to_json(self) -> dict[str, Any]:
        """Return it as `check --json` prints it."""
        return {"kind": self.kind, "files": self.files, "suffixes": list(self.suffixes)}


_MEANS = {
    "pictures": "pictures, not compared",
    "archives": "archives or other data, not read",
    "tables": "tables, not read",
    "words": "of other kinds, not looked at",
    "hidden": "hidden lists, not read",
}


def is_picture(path: Path) -> bool:
    """Tell whether a file is one of a picture, by its name, or by its bytes if that does not say.

    Raises UnreadableDataset, naming it, where these cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return True
    known = suffix in ARCHIVES or suffix in TABLES or suffix in WORDS
    return not known and is_still_image(_head(path))


def left_out(files: Sequence[Path], *, pictures: Sequence[Path] = ()) -> tuple[SkippedFiles, ...]:
    """Return what was passed over, by kind.

    `pictures` are those that the rows are: a table or a list beside them may hold their
    keys. Without any the rows are those of a table, and pictures beside it are the rows'
    own.
    """
    captioned = {path.with_suffix("") for path in pictures}
    return tuple(
        SkippedFiles(kind, len(paths), _suffixes(paths), _reason(kind, paths, captioned))
        for kind, paths in _by_kind(files, bool(pictures))
    )


def passed_over(
    files: Sequence[Path], pictures: Sequence[Path], hidden: Sequence[Path] = ()
) -> tuple[SkippedFiles, ...]:
    """Return what an import of lists and of these pictures passed over, by kind.

    Its `reason` is MAY_HOLD_ENTRIES or None: an opt-out in such a file would be lost.
    `hidden` are lists that are hidden.
    """
    captioned = {path.with_suffix("") for path in pictures}
    kinds = _by_kind(files, True)
    lists = [path for path in hidden if not _head(path).startswith(_APPLE_DOUBLE)]
    if lists:
        kinds.append(("hidden", lists))
    return tuple(
        SkippedFiles(kind, len(paths), _suffixes(paths), _why_entries(kind, paths, captioned))
        for kind, paths in kinds
    )


def reasons(left: Sequence[SkippedFiles]) -> list[str]:
    """Return the reasons for which no row of the dataset may be clear."""
    return [one.reason for one in left if one.reason]


def _by_kind(files: Sequence[Path], pictures_read: bool) -> list[tuple[Kind, list[Path]]]:
    by_kind: dict[Kind, list[Path]] = {}
    for path in files:
        by_kind.setdefault(_kind(path, pictures_read), []).append(path)
    return sorted(by_kind.items())


def _kind(path: Path, pictures_read: bool) -> Kind:
    suffix = path.suffix.lower()
    if is_picture(path):
        return "pictures"
    if suffix in ARCHIVES:
        return "archives"
    # Beside pictures img2dataset writes one JSON file each; beside tables it is about them.
    if suffix in TABLES or (pictures_read and suffix == ".json"):
        return "tables"
    return "words" if suffix in WORDS or _is_text(_head(path)) else "archives"


def _head(path: Path) -> bytes:
    """Return the first bytes of a file; one that is no regular file begins with NUL."""
    try:
        with opened(path) as file:
            return file.read(_HEAD)
    except RefusedFile:
        return b"\0"
    except OSError as error:
        raise UnreadableDataset(f"{path} cannot be read: {error.strerror}") from error


def _is_text(head: bytes) -> bool:
    # The last character may be cut.
    text = head.decode("utf-8", "replace")[:-1]
    return "\0" not in text and "\N{REPLACEMENT CHARACTER}" not in text


def _suffixes(paths: Sequence[Path]) -> tuple[str, ...]:
    counts = Counter(path.suffix.lower() or "no suffix" for path in paths)
    return tuple(f"{count} {suffix}" for suffix, count in sorted(counts.items()))


def _reason(kind: Kind, paths: Sequence[Path], captioned: Set[Path]) -> str | None:
    """Return why no row may be clear; `captioned` are the pictures read, without their endings."""
    if not captioned:
        if kind in ("pictures", "archives"):
            return "pictures-left-out"
        paths = [path for path in paths if path.suffix.lower() != _NUMBERS]
    return "metadata-left-out" if _hold_keys(kind, paths, captioned) else None


def _hold_keys(kind: Kind, paths: Sequence[Path], captioned: Set[Path]) -> bool:
    """Tell whether tables, packed ones too, or texts may hold addresses or hashes of rows."""
    if kind == "tables":
        return any(_holds(path, _KEYS, _MAY_LACK_KEYS) for path in paths if not _is_about(path))
    if kind == "archives":
        return any(Path(path.stem).suffix.lower() in (*TABLES, ".json", ".txt") for path in paths)
    return kind == "words" and any(_text_holds_keys(path, captioned) for path in paths)


def _is_about(path: Path) -> bool:
    """Tell whether a file is one of words about all of a dataset, or of a program."""
    return path.name.lower().partition(".")[0] in _ABOUT or path.suffix.lower() in _PROGRAMS


def _text_holds_keys(path: Path, captioned: Set[Path]) -> bool:
    if _is_about(path):
        return False
    # The caption of `a.jpg` may be `a.txt` or `a.jpg.txt`.
    named = {path.with_suffix(""), path.with_suffix("").with_suffix("")}
    is_caption = path.suffix.lower() in _CAPTIONS and not captioned.isdisjoint(named)
    return _holds(path, _LINE if is_caption else _TEXT_KEYS, None)


def _why_entries(kind: Kind, paths: Sequence[Path], captioned: Set[Path]) -> str | None:
    may = kind in ("archives", "hidden") or _hold_entries(kind, paths, captioned)
    return MAY_HOLD_ENTRIES if may else None


def _hold_entries(kind: Kind, paths: Sequence[Path], captioned: Set[Path]) -> bool:
    """Tell whether tables, or texts that are no captions, may hold lines of a list."""
    if kind == "tables":
        return any(_holds(path, _ENTRIES, _MAY_LACK_KEYS) for path in paths)
    lists = (path for path in paths if path.with_suffix("") not in captioned)
    return kind == "words" and any(_holds(path, _LISTED, None) for path in lists)


def _holds(path: Path, pattern: re.Pattern[bytes], only: Container[str] | None) -> bool:
    """Tell whether a file holds a pattern; files of other endings than `only` may well."""
    if only is not None and path.suffix.lower() not in only:
        return True
    try:
        with opened(path) as file:
            tail = b""
            while chunk := file.read(_CHUNK):
                if pattern.search(tail + chunk):
                    return True
                tail = chunk[-_LONGEST:]
    except RefusedFile:
        return True
    except OSError as error:
        raise UnreadableDataset(f"{path} cannot be read: {error.strerror}") from error
    return False
