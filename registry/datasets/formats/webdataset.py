"""WebDataset: tar files of samples, each of several files with one key; also compressed.

Columns are the key, each kind of picture (`jpg`, `left.png`) and of text (`txt`), and the members
of JSON objects. The tables that img2dataset writes beside its shards are no other dataset: they are
joined by key where the samples have no JSON. Shards are opened one by one as they are read; the
columns are those of the first samples of the first one that can be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from registry.datasets import (
    CONTENT,
    FOLDER,
    FOLDER_OF_ARCHIVES,
    NAME,
    STDIN,
    RowWriter,
    files_in,
    refuse_own_files,
)
from registry.datasets._left_out import METADATA_LEFT_OUT, TABLES, SkippedFiles, left_out
from registry.datasets.folder_writer import FolderWriter, names_in_folder
from registry.datasets.hidden import RAW
from registry.datasets.pictures.side_tables import side_schema
from registry.datasets.streams import COMPRESSIONS, Source, compression_of, is_folder, suffix_of
from registry.datasets.tables import Table, Tables, UnreadableTable
from registry.datasets.tar import headers as tar_headers
from registry.datasets.tar.columns import layout_of
from registry.datasets.tar.samples import Sample, kind_of
from registry.datasets.tar.shards import LABEL, PACKED, SUFFIXES, Shard, first_samples, stem_of
from registry.datasets.tar.writer import TarWriter
from registry.errors import RefusedFile, UnreadableDataset, UsageError
from registry.evidence.carriers import IMAGE_ENDINGS
from registry.files import opened
from registry.text import visible

READS_STREAMS = True
# A folder in which tables or pictures lie beside the archives is rather one of these.
_BESIDE_OTHERS = 0.3
_SIDE = ".parquet"
_SHOWN = 5


def sureness(path: Path) -> float:
    """Return the sureness, from 0 to 1, that a path is a tar file or a folder of them."""
    if is_folder(path):
        return _of_folder(files_in(path))
    if _is_tar(path):
        return CONTENT
    return NAME if suffix_of(path) in SUFFIXES else 0


def _of_folder(files: Sequence[Path]) -> float:
    shards = [file for file in files if suffix_of(file) in SUFFIXES]
    if not shards:
        return 0
    sides = {_side_of(shard) for shard in shards}
    others = TABLES | IMAGE_ENDINGS
    if any(suffix_of(file) in others and file not in sides for file in files):
        return _BESIDE_OTHERS
    return FOLDER[CONTENT] if sides.isdisjoint(files) else FOLDER_OF_ARCHIVES


def _is_tar(path: Path) -> bool:
    try:
        head = Source(path).head(tar_headers.BLOCK)
    except (UnreadableDataset, RefusedFile):
        return False
    return len(head) == tar_headers.BLOCK and tar_headers.parsed(head) is not None


def _side_of(shard: Path) -> Path:
    return shard.with_name(stem_of(shard) + _SIDE)


def open_files(paths: Sequence[Path], name: str) -> Shards:
    """Open tar files and folders of them as one dataset."""
    files: list[Path] = []
    others: list[Path] = []
    for path in paths:
        for file in files_in(path) if is_folder(path) else [path]:
            (files if file == path or suffix_of(file) in SUFFIXES else others).append(file)
    samples, errors = _first(files)
    layout = layout_of(samples, LABEL)
    sides = {file: _side_of(file) for file in files if file != STDIN and _side_of(file).exists()}
    schema = side_schema(next(iter(sides.values()))) if sides else None
    if schema is None:
        sides = {}
    else:
        layout = layout.with_beside(schema)
    columns = layout.schema
    if len(columns) == 1:
        raise _without_pictures(files[len(errors)], samples)
    tables: list[Table] = [
        UnreadableTable(file, errors[file])
        if file in errors
        else Shard(file, layout, columns, sides.get(file))
        for file in files
    ]
    left = left_out([file for file in others if file not in sides.values()])
    return Shards(name, tables, [*left, *_tables_in(samples)], sides)


def _first(
    files: Sequence[Path],
) -> tuple[list[Sample], Mapping[Path, UnreadableDataset | RefusedFile]]:
    """Return the first samples of the first file with some, and the errors of those before it."""
    errors: dict[Path, UnreadableDataset | RefusedFile] = {}
    for file in files:
        try:
            if samples := first_samples(file):
                return samples, errors
        except (UnreadableDataset, RefusedFile) as error:
            errors[file] = error
    raise next(iter(errors.values()), None) or UnreadableDataset(
        f"{files[0]} holds no files with a key", "name tar files in the format of WebDataset"
    )


def _without_pictures(file: Path, samples: Sequence[Sample]) -> UnreadableDataset:
    endings = Counter(ending for sample in samples for ending in sample.others)
    shown = ", ".join(visible(f".{ending}") for ending, _ in endings.most_common(_SHOWN))
    return UnreadableDataset(
        f"{file} holds no pictures, texts or JSON, but other files ({shown})",
        "unpack it, and check the files in it",
    )


def _tables_in(samples: Sequence[Sample]) -> list[SkippedFiles]:
    """Return tables within a shard that may be about all of its pictures."""
    endings = Counter(
        f".{ending}"
        for sample in samples
        for ending in sample.others
        if kind_of(ending) == "table" and not sample.pictures
    )
    counts = tuple(f"{count} {visible(ending)}" for ending, count in sorted(endings.items()))
    return [SkippedFiles("tables", endings.total(), counts, METADATA_LEFT_OUT)] if counts else []


class Shards(Tables):
    """A dataset of shards; kept samples stay in their shards, byte by byte."""

    def __init__(
        self,
        name: str,
        tables: Sequence[Table],
        left_out: Sequence[SkippedFiles],
        sides: Mapping[Path, Path],
    ) -> None:
        super().__init__("webdataset", name, tables, left_out, label=LABEL)
        self._sides = sides
        self.files = (*self.files, *sides.values())

    @property
    def needed(self) -> Sequence[str]:
        """The columns that the writer of kept rows needs."""
        return (LABEL, RAW)

    def keeper(self, path: Path) -> RowWriter:
        """Return a writer of some samples as they are: to one tar file, or a folder of them.

        A folder also has the tables beside the shards, with the rows of the samples.
        """
        refuse_own_files(path, self.files)
        shards = [table.path for table in self.tables]
        suffix = suffix_of(path)
        if suffix in SUFFIXES:
            same = len(shards) == 1 and suffix_of(shards[0]) == suffix == path.suffix.lower()
            packed = PACKED.get(suffix) or COMPRESSIONS.get(path.suffix.lower())
            return TarWriter(path, _compression(shards[0]) if same else packed, LABEL)
        if suffix or shards == [STDIN]:
            raise UsageError(
                f"{path}: the samples that are kept are written as in the dataset",
                "name a folder, or a file that ends in .tar, .tar.gz or .tar.zst",
            )
        return FolderWriter(path, names_in_folder(shards), self._kept_if_read)

    def _kept_table(self, number: int, path: Path) -> RowWriter:
        source = self.tables[number].path
        return TarWriter(path, _compression(source), LABEL, self._sides.get(source))


def _compression(path: Path) -> str | None:
    """Return how a shard is compressed; of one that cannot be read, as its name says."""
    try:
        with opened(path) as file:
            return compression_of(file.read(4))
    except (RefusedFile, OSError):
        return PACKED.get(suffix_of(path)) or COMPRESSIONS.get(path.suffix.lower())
