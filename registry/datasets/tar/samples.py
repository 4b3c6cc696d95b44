"""Samples of pictures, texts and JSON, as WebDataset groups the files of an archive (pure).

A file belongs to the sample of its key: its name up to the first dot that follows the folder. The
rest of the name, in lower case, is its ending: `images/0007.left.jpg` has the key `images/0007` and
the ending `left.jpg` (`base_plus_ext` in webdataset/tariterators.py; datasets of Hugging Face has
the same rule in packaged_modules/webdataset/webdataset.py). Files that follow one another with the
same key are a sample. A second file with an ending begins another one, as `group_by_keys_nothrow`
of open_clip does: webdataset itself ends with an error there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from registry.datasets.tar.headers import MAGIC, MAGIC_AT
from registry.evidence.carriers import IMAGE_ENDINGS, is_still_image
from registry.text import visible

# What a file of a sample is. `harmless`: no picture and no keys, as sounds and vectors are;
# `closed`: not read, though there may be a picture or a key in it.
PartKind = Literal["picture", "text", "json", "table", "harmless", "closed", "unknown"]
# First bytes that show what is in a file with an ending that is not known.
HEAD = 512
_JSON = frozenset({"json", "jsn"})
_TEXTS = frozenset({"txt", "text", "caption", "captions", "cls", "cls2", "index", "inx", "id"}) | {
    *("transcript", "prompt", "tags", "url", "md5", "sha256", "xmp", "xml", "html", "yaml", "md"),
}
_SOUNDS = frozenset({"wav", "mp3", "flac", "ogg", "opus", "m4a", "aac", "aif", "aiff", "mid"})
_TABLES = frozenset({"csv", "tsv", "tab", "jsonl", "ndjson", "arrow", "feather", "parquet"}) | {
    *("orc", "avro", "xlsx", "lance", "sqlite", "db"),
}
_CLOSED = frozenset({"pyd", "pickle", "pkl", "pth", "pt", "ten", "tb", "mp", "msg", "cbor"}) | {
    *("npz", "h5", "hdf5", "safetensors", "tfrecord", "mdb"),
    *("tar", "tgz", "zip", "gz", "bz2", "xz", "zst", "7z", "rar"),
    *("mp4", "avi", "mkv", "mov", "webm", "mpg", "mpeg"),
}
_NUMPY = b"\x93NUMPY"
# First bytes of archives, packed files and tables; a tar file has its own further on.
_CONTAINERS = (
    *(b"PK\3\4", b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ", b"Rar!"),
    *(b"7z\xbc\xaf", b"PAR1", b"ARROW1", b"SQLite format 3", _NUMPY),
)
# Rows of a batch, and about the most bytes of it: with pictures, and without.
_PICTURE_ROWS, _PICTURE_BYTES = 256, 32 << 20
_ROWS, _BYTES = 1 << 14, 8 << 20


@dataclass(slots=True)
class Sample:
    """The files of a sample by ending; None for a picture whose bytes are not wanted.

    `key` is None for a damaged part of the archive. `unread` is the first reason why the sample
    could not be read whole. `raw` are its bytes in the archive, if they are wanted; `held` is
    the number of bytes of all of this.
    """

    key: str | None
    pictures: dict[str, bytes | None] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    unread: str | None = None
    raw: list[bytes] = field(default_factory=list)
    held: int = 0

    def note(self, why: str) -> None:
        """Note why the sample could not be read whole."""
        self.unread = self.unread or why

    def add(self, ending: str, kind: PartKind, content: bytes | None) -> None:
        """Add a file; None for a content that is not wanted, or not read."""
        if kind == "picture":
            self.pictures[ending] = content
        elif kind == "text" and content is not None:
            self.texts[ending] = content
        elif kind == "json" and content is not None:
            self.objects[ending] = content
        else:
            self.others.add(ending)
            if kind in ("closed", "table"):
                self.note(f"{shown(ending)} is not read and may hold a picture or its keys")

    def has(self, ending: str) -> bool:
        """Return whether there is a file with this ending."""
        return (
            ending in self.pictures
            or ending in self.objects
            or ending in self.texts
            or ending in self.others
        )


@dataclass(frozen=True, slots=True)
class Wants:
    """What to read beside texts and JSON: pictures, and the bytes as they are in the archive."""

    pictures: bool = True
    raw: bool = False


def grouped(samples: Iterable[Sample], wants: Wants) -> Iterator[list[Sample]]:
    """Yield samples in lists of limited size."""
    rows, most = (_PICTURE_ROWS, _PICTURE_BYTES) if wants.pictures else (_ROWS, _BYTES)
    most = _PICTURE_BYTES if wants.raw else most
    group: list[Sample] = []
    size = 0
    for sample in samples:
        group.append(sample)
        size += sample.held
        if size >= most or len(group) >= rows:
            yield group
            group, size = [], 0
    if group:
        yield group


def key_and_ending(name: str) -> tuple[str, str]:
    """Return the key of a file and its ending in lower case; without one if it has no key.

    Files without a dot, hidden ones and those that begin with two underscores have no key:
    readers of WebDataset pass them over.
    """
    folder, slash, base = name.rpartition("/")
    stem, _, ending = base.partition(".")
    if not stem or base.startswith("__"):
        return name, ""
    return folder + slash + stem, ending.lower()


def shown(ending: str) -> str:
    """Return an ending as a reason names it."""
    return visible(f".{ending}")


def kind_of(ending: str) -> PartKind:
    """Return what a file with this ending is; `unknown` if its first bytes must show it."""
    last = ending.rpartition(".")[2]
    if f".{last}" in IMAGE_ENDINGS:
        return "picture"
    if last in _JSON:
        return "json"
    if last in _TEXTS:
        return "text"
    if last in _SOUNDS:
        return "harmless"
    if last in _TABLES:
        return "table"
    return "closed" if last in _CLOSED else "unknown"


def kind_of_start(ending: str, head: bytes) -> PartKind:
    """Return what a file is by its first HEAD bytes."""
    if is_still_image(head):
        return "picture"
    if not head or not ending:
        return "harmless"
    if head.startswith(_NUMPY):
        return "harmless" if _is_vector(head) else "closed"
    return "text" if _is_text(head) and not may_hold_pictures(head) else "closed"


def may_hold_pictures(head: bytes) -> bool:
    """Return whether the first HEAD bytes are those of a picture, an archive or a table."""
    return is_still_image(head) or head.startswith(_CONTAINERS) or head[MAGIC_AT:].startswith(MAGIC)


def _is_text(head: bytes) -> bool:
    # The last character may be incomplete.
    text = head.decode("utf-8", "replace")[:-1]
    return "\0" not in text and "\N{REPLACEMENT CHARACTER}" not in text


def _is_vector(head: bytes) -> bool:
    """Return whether the array in a file of NumPy is no picture: numbers in one dimension, or
    fractions in two at most, as an embedding has.

    Its header is the text of a dictionary (numpy.lib.format).
    """
    text = head[: head.find(b"}") + 1].replace(b" ", b"")
    shape = text.partition(b"'shape':(")[2].partition(b")")[0]
    kind = text.partition(b"'descr':'")[2][:4].strip(b"'")
    dimensions = sum(1 for part in shape.split(b",") if part)
    is_fraction = kind[1:2] == b"f"
    is_number = is_fraction or (kind[1:2] in (b"i", b"u") and kind[2:3] > b"1")
    return bool(text) and dimensions <= (2 if is_fraction else 1) and is_number
