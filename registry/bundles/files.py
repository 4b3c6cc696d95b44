"""Bundles on disk: a zip of two or three files, written durably, read within limits."""

from __future__ import annotations

import os
import zipfile
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from registry.bundles.content import Bundle, damaged, from_json, to_json
from registry.bundles.readme import readme
from registry.durable import unfinished, unwritable
from registry.errors import UnreadableInput, UnwritableOutput
from registry.files import opened

README, EVIDENCE, WARC = "README.txt", "evidence.json", "evidence.warc.gz"
# Most bytes of each file, decompressed.
LIMITS = {README: 4 << 20, EVIDENCE: 64 << 20, WARC: 256 << 20}
# A directory of other files may take the memory for millions of names.
_WHOLE_LIMIT = sum(LIMITS.values())
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 1
_FIRST_YEAR = 1980
# The record at the end of a zip file without a comment.
_END = b"PK\5\6" + bytes(18)


@dataclass(frozen=True, slots=True)
class OpenedBundle:
    """A bundle with the text of its README.txt, and its WARC records, if it has any."""

    bundle: Bundle
    readme: str
    warc: bytes | None


def write_bundle(path: Path, bundle: Bundle, warc: bytes) -> None:
    """Write a bundle; an old file is replaced in one step. `warc`: its records, one by one.

    Raises UnwritableOutput, also for a bundle that is too large to be read again.
    """
    contents = {README: readme(bundle).encode(), EVIDENCE: to_json(bundle).encode("ascii")}
    if warc:
        contents[WARC] = warc
    for name, content in contents.items():
        if len(content) > LIMITS[name]:
            raise UnwritableOutput(f"{path}: {name} would have {len(content)} bytes", "")
    made = datetime.fromisoformat(bundle.made_at).astimezone(UTC)
    try:
        with unfinished(path) as file:
            with zipfile.ZipFile(file.path, "w", zipfile.ZIP_DEFLATED) as folder:
                for name, content in contents.items():
                    folder.writestr(_info(name, made), content)
            file.finish()
    except OSError as error:
        raise unwritable(path, error) from error


def _info(name: str, made: datetime) -> zipfile.ZipInfo:
    when = max(made, datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC))
    info = zipfile.ZipInfo(
        name, (when.year, when.month, when.day, when.hour, when.minute, when.second)
    )
    info.create_system = 3
    info.external_attr = 0o644 << 16
    # WARC records are compressed already.
    info.compress_type = zipfile.ZIP_STORED if name == WARC else zipfile.ZIP_DEFLATED
    return info


def read_bundle(path: Path) -> OpenedBundle:
    """Read a bundle. Raises UnreadableInput for a file that is not one; OSError."""
    name = str(path)
    try:
        with opened(path) as file:
            if os.fstat(file.fileno()).st_size > _WHOLE_LIMIT:
                raise damaged(name, "it is larger than a bundle")
            with zipfile.ZipFile(file) as folder:
                contents = _contents(folder, name)
                _refuse_more(folder, file, name)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError) as error:
        raise damaged(name, "it is not a whole zip file") from error
    except (NotImplementedError, RuntimeError, ValueError) as error:
        # What zipfile raises for files that it cannot read: versions, encryption, odd names.
        raise damaged(name, "it is not a zip file as a bundle is") from error
    try:
        text, readme_text = contents[EVIDENCE].decode("ascii"), contents[README].decode("utf-8")
    except UnicodeDecodeError as error:
        raise damaged(name, "its texts have another encoding") from error
    return OpenedBundle(from_json(text, f"{name}: {EVIDENCE}"), readme_text, contents.get(WARC))


def _refuse_more(folder: zipfile.ZipFile, file: IO[bytes], name: str) -> None:
    """Raise UnreadableInput if there are other bytes before the first file, or after the end."""
    first = min(info.header_offset for info in folder.infolist())
    file.seek(-len(_END), os.SEEK_END)
    if first or not file.read().startswith(_END[:4]):
        raise damaged(name, "it has more bytes than a bundle")


def _contents(folder: zipfile.ZipFile, name: str) -> dict[str, bytes]:
    """Return the files of a bundle by name; raise UnreadableInput unless they are its files."""
    infos = folder.infolist()
    names = [info.filename for info in infos]
    if sorted(names) not in (sorted([README, EVIDENCE]), sorted(LIMITS)):
        raise damaged(name, f"its files are not {README}, {EVIDENCE} and perhaps {WARC}")
    for info in infos:
        if info.file_size > LIMITS[info.filename]:
            raise UnreadableInput(
                f"{name}: {info.filename} has {info.file_size} bytes, more than a bundle's",
                "get the bundle again from its source",
            )
        if info.compress_type not in _METHODS or info.flag_bits & _ENCRYPTED:
            raise damaged(name, f"{info.filename} is encrypted or compressed in another way")
    return {info.filename: folder.read(info) for info in infos}
