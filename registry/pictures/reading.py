"""One image file in a worker process: its bytes or path in, its picture or the reason out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from registry.errors import UnreadableInput, UnreadablePicture
from registry.files import read_whole
from registry.model import Evidence, Picture
from registry.sandbox import CallLimits, Failure, Work

A = TypeVar("A")
R = TypeVar("R")

# For every picture of a crawl, a check, `registry hash` and `registry import`. The largest
# picture that is read, 100 million pixels with transparency, takes 1.8 GB.
LIMITS = CallLimits(seconds=60.0, memory=3 << 30)


@dataclass(frozen=True, slots=True)
class Hashed:
    """Digests and fingerprints of one picture as raw values, or the problem with it.

    `prints` holds (phash64, phash256) of each view, that of `full` first if it is fit.
    """

    sha256: bytes | None = None
    md5: bytes | None = None
    prints: tuple[tuple[int, bytes], ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class FileRead:
    """The result of reading one image: a picture or a refusal, and the marks in the file.

    `warnings` name the marks of the file that could not be read.
    """

    picture: Picture | None = None
    refusal: str | None = None
    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """The error message and hint for a file without a readable picture."""

    message: str
    hint: str = ""


class Fetched(NamedTuple):
    """The bytes of an image and the URL that they came from."""

    data: bytes
    url: str = ""


def sandboxed(function: Callable[[A], R]) -> Work[A, R]:
    """Return one of the functions below as work with LIMITS for every file."""
    return Work(function, LIMITS, load)


def load() -> None:
    """Import the modules for decoding and fingerprinting."""
    from registry.evidence.embedded_marks import read_embedded
    from registry.fingerprints import algorithms, fingerprint

    del read_embedded, fingerprint
    algorithms()
    from registry.fingerprints import _border, _decode, _normalise, _structure

    del _border, _decode, _normalise, _structure


def hash_picture(data: bytes) -> Hashed:
    """Return digests and fingerprints of the bytes of a copy."""
    from registry.fingerprints import fingerprint

    try:
        picture = fingerprint(data, may_be_padded=True)
    except UnreadablePicture as error:
        return unhashed(data, error.reason)
    digests = bytes.fromhex(picture.sha256), bytes.fromhex(picture.md5)
    problem = f"unfit-{picture.unfit}" if picture.unfit else None
    return Hashed(*digests, prints_of(picture), problem)


def prints_of(picture: Picture) -> tuple[tuple[int, bytes], ...]:
    """Return (phash64, phash256) of each view of a picture."""
    near, wide = (picture.fingerprints.get(name, {}) for name in ("phash64", "phash256"))
    return tuple((int(code, 16), bytes.fromhex(wide[view])) for view, code in near.items())


def unhashed(data: bytes, reason: str) -> Hashed:
    """Return only the digests, for a picture that cannot be fingerprinted."""
    from registry.fingerprints import file_digests

    sha256, md5 = file_digests(data)
    return Hashed(bytes.fromhex(sha256), bytes.fromhex(md5), problem=f"image-{reason}")


def read_fetched(fetched: Fetched) -> FileRead:
    """Return the picture of an image from the web, or a refusal, and the marks in the file."""
    from registry.evidence.embedded_marks import read_embedded
    from registry.fingerprints import fingerprint

    # A file may hold marks even if its picture cannot be decoded.
    marks = read_embedded(fetched.data, fetched.url)
    try:
        picture = fingerprint(fetched.data)
    except UnreadablePicture as error:
        return FileRead(None, error.reason, marks.evidence, marks.warnings)
    return FileRead(picture, None, marks.evidence, marks.warnings)


def read_marks(fetched: Fetched) -> FileRead:
    """Return only the marks in an image file, for one whose picture could not be read."""
    from registry.evidence.embedded_marks import read_embedded

    marks = read_embedded(fetched.data, fetched.url)
    return FileRead(None, None, marks.evidence, marks.warnings)


def fingerprint_file(path: Path, *, may_be_padded: bool = False) -> Picture:
    """Return the picture in a file on disk, also of what is inside its border if asked.

    Raises UnreadableInput if the file cannot be read, and UnreadablePicture like
    `fingerprint`; the message begins with the path.
    """
    from registry.fingerprints import fingerprint

    data = _content(path)
    try:
        return fingerprint(data, may_be_padded=may_be_padded)
    except UnreadablePicture as error:
        raise UnreadablePicture(error.reason, f"{path}: {error.message}", error.hint) from error


def _content(path: Path) -> bytes:
    try:
        return read_whole(path)
    except FileNotFoundError as error:
        raise UnreadableInput(f"{path}: no such file", "check the path") from error
    except OSError as error:
        why = error.strerror or error
        raise UnreadableInput(f"{path}: {why}", "check its permissions") from error


def read_path(path: Path) -> Picture | Unread:
    """Return the picture in a file on disk, or an Unread."""
    try:
        return fingerprint_file(path)
    except UnreadableInput as error:
        return Unread(error.message, error.hint)


def read_copy(path: Path) -> Picture | Unread:
    """Return the copy of a picture in a file on disk, which may be padded, or an Unread."""
    try:
        return fingerprint_file(path, may_be_padded=True)
    except UnreadableInput as error:
        return Unread(error.message, error.hint)


def read_bytes(data: bytes) -> Picture | Unread:
    """Return the picture in the bytes of a file, or an Unread."""
    from registry.fingerprints import fingerprint

    try:
        return fingerprint(data)
    except UnreadablePicture as error:
        return Unread(error.message, error.hint)


def unread(failure: Failure) -> Unread:
    """Return the message and hint for a picture that ended its worker."""
    if failure == "timeout":
        return Unread(
            f"the picture takes longer than {LIMITS.seconds:g} seconds to read",
            "save it again with a program that can open it",
        )
    if failure == "out-of-memory":
        return Unread(
            f"the picture takes more than {LIMITS.memory >> 20:,} MiB of memory to read",
            "free memory, or scale the picture down first",
        )
    return Unread(
        "the picture crashed its decoder", "save it again with a program that can open it"
    )
