"""The files beside those of a dataset that were not read, and what follows for its rows.

No row is clear if pictures were not read, or texts with URLs or digests, which may be those
of its picture. Texts without them, captions, a README or a licence change nothing.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Container, Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal

from registry.errors import RefusedFile, UnreadableDataset
from registry.evidence.carriers import IMAGE_ENDINGS, is_still_image
from registry.files import opened
from registry.model import hex_pattern

Kind = Literal["pictures", "archives", "tables", "words", "hidden"]
ARCHIVES = frozenset({".tar", ".zip", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar"}) | {
    *(".npz", ".pkl", ".pickle", ".pt", ".h5", ".hdf5", ".mdb", ".lmdb", ".tfrecord", ".rec"),
    *(".sqlite", ".sqlite3", ".db", ".duckdb", ".xlsx", ".xls", ".ods", ".orc", ".avro", ".lance"),
}
TABLES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".npy"}) | {
    *(".arrow", ".arrows", ".feather", ".ipc"),
}
WORDS = frozenset(
    {".txt", ".md", ".rst", ".json", ".yaml", ".yml", ".toml", ".caption", ".xml"}
) | {
    *(".html", ".htm", ".py", ".ipynb", ".sh", ".log", ".cfg", ".ini", ".bib", ".pdf"),
}
# Why no row may be clear: the files hold pictures, or keys of pictures, that were not read.
PICTURES_LEFT_OUT = "pictures-left-out"
METADATA_LEFT_OUT = "metadata-left-out"
# The same for an import, of which no row is checked.
MAY_HOLD_ENTRIES = "may-hold-entries"
# A line of a caption that is only a URL or a hash.
_LINE = re.compile(rf"(?m)^[^\S\n]*[\"']*(?:https?://\S+|{hex_pattern()})\s*$".encode())
# URLs and hashes in other texts.
_TEXT_KEYS = re.compile(rf"(?i)https?:\\{{0,4}}/|(?<![0-9a-z]){hex_pattern()}(?![0-9a-z])".encode())
_CAPTIONS = frozenset({".txt", ".caption"})
# Texts about a dataset as a whole, by their names without suffixes, and programs: the URLs in
# them are those of their makers.
_ABOUT = frozenset({"readme", "license", "licence", "copying", "notice", "citation"}) | {
    *("changelog", "dataset_info", "dataset_infos", "dataset_dict", "state", "croissant"),
}
# The counts of a shard, as img2dataset writes them beside its pictures.
_COUNTS = re.compile(r"\d+_stats")
_PROGRAMS = frozenset({".py", ".ipynb", ".sh", ".cfg", ".ini", ".toml", ".bib", ".pdf"})
# Vectors, as they are kept beside tables of URLs.
_NUMBERS = ".npy"
# For an import: a line of Markdown, YAML or plain text that is only a URL.
_LISTED = re.compile(rb"(?m)^[^\S\n]*(?:(?:[*+-]|\d{1,9}[.)])[^\S\n]+)?[<\"']*https?://\S+\s*$")
# A table with one of these, URLs or hashes of any length, may hold keys of the pictures beside it.
_KEYS = re.compile(f"https?:|{hex_pattern('phash64')}".encode())
_MAY_LACK_KEYS = frozenset({".csv", ".tsv", ".json", ".jsonl", ".ndjson"})
# Start of a file in which macOS keeps the attributes of another one ("._NAME" for NAME).
_APPLE_DOUBLE = b"\0\5\x16\7"
# For an import, a site in a JSON object is a key, too.
_ENTRIES = re.compile(rb"%b|(?i:\"(?:url|site)\")\s*:" % _KEYS.pattern)
_CHUNK = 1 << 20
# Bytes at the start of a file that show its kind; longest URL across the end of a chunk.
_HEAD, _LONGEST = 512, 2048


@dataclass(frozen=True, slots=True)
class SkippedFiles:
    """Files of one kind that were not read; `reason`: why no row may be clear, or None."""

    kind: Kind
    files: int
    suffixes: tuple[str, ...]
    reason: str | None = None

    def __str__(self) -> str:
        """Return it as one line of text."""
        return f"{self.count} beside the dataset ({', '.join(self.suffixes)}): {self.means}"

    @property
    def count(self) -> str:
        """Return the number of files as text."""
        return "1 file" if self.files == 1 else f"{self.files:,} files"

    @property
    def means(self) -> str:
        """Return the text about this kind of files."""
        return _MEANS[self.kind]

    def to_json(self) -> dict[str, Any]:
        """Return it as `check --json` prints it."""
        return {"kind": self.kind, "files": self.files, "suffixes": list(self.suffixes)}


_MEANS = {
    "pictures": "pictures, not compared",
    "archives": "archives or other data, not read",
    "tables": "tables, not read",
    "words": "other files, not read",
    "hidden": "hidden lists, not read",
}


def is_picture(path: Path) -> bool:
    """Return whether a file is a picture, by its suffix or, if that is unknown, by its bytes.

    Raises UnreadableDataset if the bytes cannot be read.
    """
    by_name = is_picture_by_name(path.name)
    return is_still_image(_head(path)) if by_name is None else by_name


def is_picture_by_name(name: str) -> bool | None:
    """Return whether a file is a picture, by its suffix; None if that is unknown."""
    suffix = os.path.splitext(name)[1].lower()
    if suffix in IMAGE_ENDINGS:
        return True
    return False if suffix in ARCHIVES or suffix in TABLES or suffix in WORDS else None


def left_out(files: Sequence[Path], *, pictures: Sequence[Path] = ()) -> tuple[SkippedFiles, ...]:
    """Return the files that were not read, by kind.

    `pictures` are the rows of the dataset; a table or list beside them may hold their keys.
    Without `pictures` the rows are those of a table, and pictures beside it are theirs.
    """
    captioned = {path.with_suffix("") for path in pictures}
    return tuple(
        SkippedFiles(kind, len(paths), _suffixes(paths), _reason(kind, paths, captioned))
        for kind, paths in _by_kind(files, bool(pictures))
    )


def passed_over(
    files: Sequence[Path], pictures: Sequence[Path], hidden: Sequence[Path] = ()
) -> tuple[SkippedFiles, ...]:
    """Return the files that an import of lists and of these pictures skipped, by kind.

    Their `reason` is MAY_HOLD_ENTRIES if opt-outs may be in them, or None. `hidden` are
    hidden lists.
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
    """Return the reasons why no row of the dataset may be clear."""
    return [one.reason for one in left if one.reason]


def may_hold_keys(path: PurePath, content: bytes) -> bool:
    """Return whether a text in an archive of pictures may hold URLs or hashes of them."""
    return not is_about(path) and _TEXT_KEYS.search(content) is not None


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
    # Beside pictures JSON may be about some of them, beside tables it describes the dataset.
    is_about_some = suffix == ".json" and not _COUNTS.fullmatch(path.stem)
    if suffix in TABLES or (pictures_read and is_about_some):
        return "tables"
    return "words" if suffix in WORDS or _is_text(_head(path)) else "archives"


def _head(path: Path) -> bytes:
    """Return the first bytes of a file; NUL for one that is not a regular file."""
    try:
        with opened(path) as file:
            return file.read(_HEAD)
    except RefusedFile:
        return b"\0"
    except OSError as error:
        raise UnreadableDataset(f"{path} cannot be read: {error.strerror}") from error


def _is_text(head: bytes) -> bool:
    # The last character may be incomplete.
    text = head.decode("utf-8", "replace")[:-1]
    return "\0" not in text and "\N{REPLACEMENT CHARACTER}" not in text


def _suffixes(paths: Sequence[Path]) -> tuple[str, ...]:
    counts = Counter(path.suffix.lower() or "no suffix" for path in paths)
    return tuple(f"{count} {suffix}" for suffix, count in sorted(counts.items()))


def _reason(kind: Kind, paths: Sequence[Path], captioned: Set[Path]) -> str | None:
    """Return why no row may be clear; `captioned` are the paths of pictures without suffixes."""
    if not captioned:
        if kind in ("pictures", "archives"):
            return PICTURES_LEFT_OUT
        paths = [path for path in paths if path.suffix.lower() != _NUMBERS]
    return METADATA_LEFT_OUT if _hold_keys(kind, paths, captioned) else None


def _hold_keys(kind: Kind, paths: Sequence[Path], captioned: Set[Path]) -> bool:
    """Return whether tables (also packed) or texts may hold URLs or hashes of rows."""
    if kind == "tables":
        return any(_holds(path, _KEYS, _MAY_LACK_KEYS) for path in paths if not is_about(path))
    if kind == "archives":
        return any(Path(path.stem).suffix.lower() in (*TABLES, ".json", ".txt") for path in paths)
    return kind == "words" and any(_text_holds_keys(path, captioned) for path in paths)


def is_about(path: PurePath) -> bool:
    """Return whether a file is a text about the whole dataset, or a program."""
    stem = path.name.lower().partition(".")[0]
    is_known = stem in _ABOUT or _COUNTS.fullmatch(stem) is not None
    return is_known or path.suffix.lower() in _PROGRAMS


def _text_holds_keys(path: Path, captioned: Set[Path]) -> bool:
    if is_about(path):
        return False
    # The caption of `a.jpg` may be `a.txt` or `a.jpg.txt`.
    named = {path.with_suffix(""), path.with_suffix("").with_suffix("")}
    is_caption = path.suffix.lower() in _CAPTIONS and not captioned.isdisjoint(named)
    return _holds(path, _LINE if is_caption else _TEXT_KEYS, None)


def _why_entries(kind: Kind, paths: Sequence[Path], captioned: Set[Path]) -> str | None:
    may = kind in ("archives", "hidden") or _hold_entries(kind, paths, captioned)
    return MAY_HOLD_ENTRIES if may else None


def _hold_entries(kind: Kind, paths: Sequence[Path], captioned: Set[Path]) -> bool:
    """Return whether tables, or texts other than captions, may hold lines of a list."""
    if kind == "tables":
        return any(_holds(path, _ENTRIES, _MAY_LACK_KEYS) for path in paths)
    lists = (path for path in paths if path.with_suffix("") not in captioned)
    return kind == "words" and any(_holds(path, _LISTED, None) for path in lists)


def _holds(path: Path, pattern: re.Pattern[bytes], only: Container[str] | None) -> bool:
    """Return whether a file contains a pattern; True for suffixes that are not in `only`."""
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
