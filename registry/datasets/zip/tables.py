"""Zip archives of pictures as tables: a row for each picture, with what the archive says of it."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

import pyarrow as pa

from registry.datasets._left_out import may_hold_keys
from registry.datasets.archive_names import LEADS_OUT, leads_out
from registry.datasets.hidden import RAW
from registry.datasets.tables import StreamedTable
from registry.datasets.tar.columns import Layout, batch_of, layout_of
from registry.datasets.tar.samples import (
    HEAD,
    PartKind,
    Sample,
    Wants,
    grouped,
    kind_of,
    kind_of_start,
    may_hold_pictures,
)
from registry.datasets.text.line_blocks import LONGEST_ROW
from registry.datasets.zip.files import ContentError, ZipFile
from registry.datasets.zip.metadata import ENDINGS, Metadata, metadata_of
from registry.datasets.zip.records import Entry
from registry.errors import UnreadableDataset
from registry.files import opened
from registry.text import visible

LABEL, IMAGE = "file", "image"
SUFFIX = ".zip"
# The name under which a file about many pictures is known; it may lie in each archive.
_METADATA = "metadata"
# A caption or an object beside one picture: `1.txt` or `1.jpg.txt` for `1.jpg`.
_BESIDE = ("txt", "caption", "json")
# Kinds of files that may be about pictures.
_ABOUT = ("json", "table")
# Pictures that show the columns.
_FIRST = 256
_SHOWN = 5


class Archive:
    """What is in an archive, as numbers of files: pictures, and the files beside each.

    `metadata` are files about many pictures, `about` texts about all of it, `closed` files that may
    hold pictures and are not read; `problem` is the reason why no row can be clear.
    """

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self.path, self.zip = path, ZipFile(file)
        entries = self.zip.entries
        self.pictures = [number for number, one in enumerate(entries) if self._is_picture(one)]
        self.metadata: dict[int, Metadata] = {}
        self.about: list[int] = []
        self.closed: list[int] = []
        self.problem: str | None = None
        self._names = _Names([entries[number].name for number in self.pictures])
        pictures = set(self.pictures)
        # The last file of a name is the one that remains when an archive is unpacked.
        others = {one.name: n for n, one in enumerate(entries) if n not in pictures}
        self.beside = {
            number: [(ending, others[name]) for ending, name in _names_beside(entries[number].name)
                     if name in others]
            for number in self.pictures
        }  # fmt: skip
        held = {other for files in self.beside.values() for _, other in files}
        self.others = [n for n in others.values() if n not in held]
        for number in self.others:
            self._read_other(number, entries[number])

    def _is_picture(self, entry: Entry) -> bool:
        base = entry.name.rpartition("/")[2]
        ending = base.partition(".")[2].lower()
        kind = kind_of(ending) if ending and not base.startswith(".") else "unknown"
        if kind == "unknown":
            kind = kind_of_start(ending, self.zip.start(entry, HEAD))
        return kind == "picture"

    def _read_other(self, number: int, entry: Entry) -> None:
        """Read a file that may be about several pictures."""
        path = PurePosixPath(entry.name)
        ending = path.suffix[1:].lower()
        kind = self._kind_of_other(entry, ending)
        if kind == "closed" and not _is_of_system(path) and self._is_known(entry, ending):
            self.closed.append(number)
        if kind not in ("json", "text", "table") or self.problem:
            return
        shown = visible(entry.name)
        if kind == "table" and ending not in ENDINGS:
            self.problem = f"{shown} is not read and may be about the pictures"
            return
        try:
            content = self.zip.content(entry, LONGEST_ROW)
        except ContentError as error:
            self.problem = f"{shown} is not read: {error}"
            return
        said = metadata_of(content, ending, self._names.find) if ending in ENDINGS else None
        if said:
            self.metadata[number] = said
        elif may_hold_keys(path, content):
            self.problem = f"{shown} is not read and may hold URLs or hashes of the pictures"
        else:
            self.about.append(number)

    def _is_known(self, entry: Entry, ending: str) -> bool:
        """Return whether a file that is not read may hold pictures, by its name or its start."""
        by_name = kind_of(ending) == "closed" or ending == "npy"
        return by_name or may_hold_pictures(self.zip.start(entry, HEAD))

    def _kind_of_other(self, entry: Entry, ending: str) -> PartKind:
        kind = kind_of(ending)
        if (
            kind == "closed"
            and kind_of(PurePosixPath(entry.name).stem.rpartition(".")[2]) in _ABOUT
        ):
            # A table that is packed.
            return "table"
        if kind == "unknown":
            kind = kind_of_start(ending or "?", self.zip.start(entry, HEAD))
        elif kind in ("text", "json") and may_hold_pictures(self.zip.start(entry, HEAD)):
            return "closed"
        return kind

    def samples(self, wants: Wants) -> Iterator[Sample]:
        """Yield the pictures with what is said of them, then what is damaged in the archive."""
        for number in self.pictures:
            yield self._sample(number, wants)
        for number in self.closed:
            name = self.zip.entries[number].name
            yield Sample(name, unread=f"{visible(name)} is not read and may hold pictures")
        if self.zip.damage:
            yield Sample(None, unread=self.zip.damage)
        elif self.zip.entries and not self.pictures:
            yield Sample(None, unread="the zip file holds no pictures")

    def _sample(self, number: int, wants: Wants) -> Sample:
        entry = self.zip.entries[number]
        sample = Sample(entry.name, unread=self.problem)
        if leads_out(entry.name):
            sample.note(LEADS_OUT)
        sample.pictures[IMAGE] = self._picture(sample, entry, wants)
        for ending, other in self.beside[number]:
            try:
                content = self.zip.content(self.zip.entries[other], LONGEST_ROW)
            except ContentError as error:
                sample.note(f".{ending}: {error}")
                continue
            (sample.objects if ending == "json" else sample.texts)[ending] = content
        for place, said in enumerate(self.metadata.values()):
            text = said.said.get(entry.name)
            if text is not None:
                sample.objects[_METADATA + (f".{place + 1}" if place else "")] = text
            elif said.strays:
                sample.note("rows of the metadata name no picture, and none names this one")
        held = (*sample.texts.values(), *sample.objects.values())
        sample.held += sum(map(len, held))
        if wants.raw:
            files = [number, *(other for _, other in self.beside[number])]
            sample.raw.append(struct.pack(f"<{len(files)}I", *files))
        return sample

    def _picture(self, sample: Sample, entry: Entry, wants: Wants) -> bytes | None:
        try:
            if not wants.pictures:
                self.zip.refuse(entry)
                return None
            content = self.zip.content(entry)
        except ContentError as error:
            sample.note(str(error))
            return None
        sample.held += len(content)
        return content


def _is_of_system(path: PurePosixPath) -> bool:
    """Return whether a file is one that file managers add."""
    return path.name.startswith(".") or "__MACOSX" in path.parts


def _names_beside(name: str) -> Iterator[tuple[str, str]]:
    """Yield the names that files about one picture may have, with their endings."""
    stem = name.rpartition(".")[0]
    for ending in _BESIDE:
        yield ending, f"{name}.{ending}"
        if stem.rpartition("/")[2]:
            yield ending, f"{stem}.{ending}"


class _Names:
    """Finds pictures by the names that metadata have for them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)
        bases = [name.rpartition("/")[2] for name in names]
        self._by_base = _unique(bases, names)
        self._by_stem = _unique([base.rpartition(".")[0] for base in bases], names)

    def find(self, name: str) -> str | None:
        """Return the picture with a name: as it is, or without folders or ending if it is alone.

        A URL is no name, though it may end like one.
        """
        if "//" in name:
            return None
        name = name.replace("\\", "/").removeprefix("./")
        if name in self._names:
            return name
        base = name.rpartition("/")[2]
        return self._by_base.get(base) or self._by_stem.get(base)


def _unique(keys: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    counts = Counter(keys)
    return {key: name for key, name in zip(keys, names, strict=True) if counts[key] == 1 and key}


class ZipTable(StreamedTable):
    """The pictures of one archive."""

    def __init__(self, path: Path, layout: Layout, schema: pa.Schema) -> None:
        self.path, self.schema, self._layout = path, schema, layout

    def read(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield all pictures, with the columns `names` and hidden ones."""
        wants = Wants(IMAGE in names, RAW in names)
        try:
            with opened(self.path) as file:
                for samples in grouped(Archive(file, self.path).samples(wants), wants):
                    yield batch_of(samples, self._layout, names)
        except OSError as error:
            raise unreadable(self.path, error) from error


def first_pictures(path: Path) -> tuple[list[Sample], Layout]:
    """Return the first pictures of an archive, without their bytes, and their columns.

    Raises UnreadableDataset, or RefusedFile, if there are none.
    """
    try:
        with opened(path) as file:
            archive = Archive(file, path)
            samples = list(islice(archive.samples(Wants(pictures=False)), _FIRST))
            endings = Counter(one.name.rpartition(".")[2] for one in archive.zip.entries)
    except OSError as error:
        raise unreadable(path, error) from error
    if archive.pictures:
        return samples, layout_of([one for one in samples if one.key is not None], LABEL)
    shown = ", ".join(visible(f".{ending}") for ending, _ in endings.most_common(_SHOWN))
    if endings:
        raise UnreadableDataset(
            f"{path} holds no pictures, but other files ({shown})",
            "unpack it, and check the files in it",
        )
    why = archive.zip.damage or "it holds no files"
    raise UnreadableDataset(f"{path}: {why}", "the file may be incomplete: get it again")


def unreadable(path: Path, error: OSError) -> UnreadableDataset:
    """Return the error for an archive that cannot be read from disk."""
    return UnreadableDataset(
        f"{path} cannot be read: {error.strerror or error}", "get the file again"
    )
