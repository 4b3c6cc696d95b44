"""What datasets with known truth are made of: forty pictures, a registry, ways to write them.

Seven of the forty pictures are reserved. A layout writes them as such a dataset
holds them, and says which rows offer something that leads to a reserved picture.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import imagehash
import pyarrow as pa
import pyarrow.parquet as pq
from drawn import draw
from made import Made
from PIL import Image

from registry.fingerprints import fingerprint
from registry.snapshot.opened import Snapshot

ROWS = 40
RESERVED = (1, 6, 12, 18, 24, 30, 36)
# all: every reserved row is found, the others are clear. partly: what is not found is
# unchecked. refused: exit code 4 with a hint. asked: the same, naming --column.
Answer = Literal["all", "partly", "refused", "asked"]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a dataset lies: `write` makes it in a folder and returns what to check."""

    name: str
    answer: Answer
    write: Callable[[Path], Path]


LAYOUTS: list[Layout] = []


def layout(answer: Answer) -> Callable[[Callable[[Path], Path]], Callable[[Path], Path]]:
    def register(write: Callable[[Path], Path]) -> Callable[[Path], Path]:
        LAYOUTS.append(Layout(write.__name__, answer, write))
        return write

    return register


@dataclass(frozen=True, slots=True)
class Work:
    """One picture of the art site."""

    number: int
    image: Image.Image
    jpeg: bytes

    @property
    def url(self) -> str:
        return f"https://img.example/works/{self.number}.jpg"

    @property
    def plain_url(self) -> str:
        """An address that does not look like a picture's."""
        return f"https://cdn.example/photo-{self.number}"

    @property
    def page(self) -> str:
        return f"https://art.example/works/{self.number}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.jpeg).hexdigest()

    @property
    def md5(self) -> str:
        return hashlib.md5(self.jpeg).hexdigest()

    @property
    def phash(self) -> str:
        return str(imagehash.phash(self.image))

    @property
    def resized(self) -> bytes:
        return jpeg_of(self.image.resize((120, 90)))


def jpeg_of(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=90)
    return content.getvalue()


@cache
def works() -> tuple[Work, ...]:
    made = []
    for number in range(ROWS):
        content = jpeg_of(draw(number, width=160, count=25))
        made.append(Work(number, Image.open(io.BytesIO(content)).convert("RGB"), content))
    return tuple(made)


def registry_of_works(folder: Path) -> Snapshot:
    """Return a snapshot that knows the reserved works, and a few free ones of the site."""
    made = Made()
    for work in works():
        if work.number not in RESERVED:
            continue
        image = made.picture(fingerprint(work.jpeg))
        for url in (work.url, work.plain_url):
            mark = made.headers("noai", url=url)
            made.observe(url, [mark], image_id=image, page_url=work.page)
    return made.snapshot(folder)


def texts(take: Callable[[Work], str | None]) -> pa.Array:
    return pa.array([take(work) for work in works()], pa.string())


URL = texts(lambda w: w.url)
PLAIN = texts(lambda w: w.plain_url)
PAGE = texts(lambda w: w.page)
SHA256 = texts(lambda w: w.sha256)
MD5 = texts(lambda w: w.md5)
PHASH = texts(lambda w: w.phash)
WORDS = texts(lambda w: f"picture {w.number} of a cat")
ELSEWHERE = texts(lambda w: f"https://mirror.example/{w.number}.jpg")


def parquet(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def simple(folder: Path, **columns: Any) -> Path:
    return parquet(folder / "data.parquet", **columns)


def ints(kind: pa.DataType | None = None) -> pa.Array:
    return pa.array(range(ROWS), kind or pa.int64())
