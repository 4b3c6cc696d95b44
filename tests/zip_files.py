"""Zip archives made for tests, and damaged ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def zip_bytes(
    files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED, **options: Any
) -> bytes:
    """Return an archive; if `unseekable`, sizes follow the contents; `zip64`: in large fields."""
    stream = io.BytesIO()
    target: Any = _Unseekable(stream) if options.get("unseekable") else stream
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in files.items():
            with archive.open(name, "w", force_zip64=options.get("zip64", False)) as file:
                file.write(content)
        archive.comment = options.get("comment", b"")
    return stream.getvalue()


class _Unseekable(io.RawIOBase):
    def __init__(self, stream: io.BytesIO) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._stream.write(data)


def written(path: Path, files: Mapping[str, bytes], *args: Any, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zip_bytes(files, *args, **options))
    return path
