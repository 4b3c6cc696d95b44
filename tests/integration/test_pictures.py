"""Image files in worker processes: pictures, reasons and marks."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from crawler.visit.readers import Readers
from registry.errors import RefusedFile, UnreadableInput, UnreadablePicture
from registry.files import WHOLE_LIMIT
from registry.fingerprints import fingerprint
from registry.pictures import reading
from registry.pictures.files import read_pictures
from registry.pictures.hashing import PictureHasher
from registry.pictures.reading import Fetched, FileRead, Hashed, Unread, fingerprint_file
from registry.sandbox import CallLimits
from registry.signals import read

CAT = Path("demo/site/www/pictures/cat.jpg")
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/'
    b'22-rdf-syntax-ns#"><rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"'
    b' plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"/></rdf:RDF></x:xmpmeta>'
)
BODY = b"http://ns.adobe.com/xap/1.0/\x00" + PACKET
MARKED = b"\xff\xd8\xff\xe1" + (len(BODY) + 2).to_bytes(2) + BODY + b"\xff\xd9"


def read_all(files: list[bytes]) -> list[FileRead]:
    async def gathered() -> list[FileRead]:
        readers = Readers()
        try:
            return await asyncio.gather(*map(readers.image, files))
        finally:
            readers.close()

    return asyncio.run(gathered())


def test_images_are_fingerprinted() -> None:
    data = CAT.read_bytes()
    assert read_all([data, b"", b"text"]) == [
        FileRead(fingerprint(data)),
        FileRead(refusal="empty"),
        FileRead(refusal="not-an-image"),
    ]


def names(found: FileRead) -> list[str]:
    (evidence,) = found.evidence
    return [signal.name for signal in read(evidence).signals]


def test_marks_in_the_file_are_read_even_where_the_picture_is_broken() -> None:
    (found,) = read_all([MARKED])
    assert (found.picture, found.refusal) == (None, "broken")
    assert names(found) == ["plus:DMI-PROHIBITED"]


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "art.png"
    path.write_bytes(CAT.read_bytes())
    assert fingerprint_file(path) == fingerprint(CAT.read_bytes())
    with pytest.raises(UnreadableInput, match=r"none\.png: no such file"):
        fingerprint_file(tmp_path / "none.png")
    with pytest.raises(UnreadableInput, match="a folder, not a file"):
        fingerprint_file(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(UnreadablePicture, match=r"art\.png: the file is empty") as caught:
        fingerprint_file(path)
    assert caught.value.reason == "empty"
    os.truncate(path, WHOLE_LIMIT + 1)
    with pytest.raises(RefusedFile, match=r"art\.png: more than 512 MiB"):
        fingerprint_file(path)


def crash(fetched: Fetched) -> FileRead:
    os.kill(os.getpid(), signal.SIGSEGV)
    return FileRead()


def test_marks_in_the_file_are_read_even_where_the_picture_crashes_the_decoder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("crawler.visit.readers.read_fetched", crash)
    (found,) = read_all([MARKED])
    assert (found.picture, found.refusal) == (None, "crashed")
    assert names(found) == ["plus:DMI-PROHIBITED"]


def zeros(megabytes: int) -> bytes:
    """Return a JPEG in which the decoder looks for a marker byte by byte."""
    return b"\xff\xd8\xff" + bytes(megabytes << 20)


def test_a_picture_that_takes_too_long_keeps_its_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LIMITS", CallLimits(1.0, 1 << 30))
    slow = zeros(30)
    hasher = PictureHasher(1)
    try:
        found, missing, good = hasher([slow, None, CAT.read_bytes()])
    finally:
        hasher.close()
    assert (found.problem, missing) == ("image-timeout", Hashed())
    assert found.sha256 is not None
    assert (good.problem, not good.prints) == (None, False)


def test_files_say_what_ended_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow.jpg").write_bytes(zeros(30))
    (tmp_path / "large.jpg").touch()
    os.truncate(tmp_path / "large.jpg", 400 << 20)
    monkeypatch.setattr(reading, "LIMITS", CallLimits(1.0, 300 << 20))
    paths = [tmp_path / "slow.jpg", tmp_path / "large.jpg", CAT]
    slow, large, cat = (found for _, found in read_pictures(paths))
    assert isinstance(slow, Unread)
    assert slow.message == f"{paths[0]}: the picture takes longer than 1 seconds to read"
    assert isinstance(large, Unread)
    assert large.message.startswith(f"{paths[1]}: the picture takes more than 300 MiB of memory")
    assert cat == fingerprint(CAT.read_bytes())
