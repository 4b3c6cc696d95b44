"""Tar files made for tests: members by name, kinds of headers, damage."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

JPEG = b"\xff\xd8\xff\xe0 not a whole picture "


def member(name: str, content: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar_bytes(
    members: Iterable[tuple[str, bytes] | tuple[tarfile.TarInfo, bytes]],
    form: int = tarfile.USTAR_FORMAT,
) -> bytes:
    """Return a tar file of members given as name and content."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as tar:
        for named, content in members:
            info = named if isinstance(named, tarfile.TarInfo) else member(named, content)[0]
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def shard(path: Path, *members: tuple[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tar_bytes(members))
    return path


def names_in(path: Path) -> list[str]:
    with tarfile.open(path) as tar:
        return tar.getnames()
