"""A dataset with pictures of which many are marked, and its snapshot: what a report shows."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from made import Made, day
from PIL import Image

from registry.pictures.reading import fingerprint_file

PICTURES = Path(__file__).parents[1] / "demo/site/cdn/media"
MARKED = ("autumn", "books", "campfire", "clock", "coffee", "compass", "deep-field", "factory")
FREE = ("billiards", "cameraman", "daisies", "brick")
SITE = "https://gallery.example/works"
TDM = '<meta name="tdm-reservation" content="1">'
NOAI = '<meta name="robots" content="noai, noimageai">'
LICENCE = "https://agency.example/licence"


def snapshot_in(folder: Path) -> Path:
    """Build the snapshot: marks of several kinds, in claims of several years."""
    made = Made()
    for number, name in enumerate(MARKED):
        image = made.picture(fingerprint_file(PICTURES / f"{name}.jpg"))
        url, page = f"{SITE}/{name}.jpg", f"{SITE}/{name}.html"
        marks = [
            [made.headers("noai", url=url)],
            [made.page(TDM, page)],
            [made.page(NOAI, page)],
        ][number % 3]
        made.observe(url, marks, image_id=image, page_url=page, on=1 + number)
    made.robots("closed.example", "User-agent: GPTBot\nDisallow: /\n", on=5)
    for year in range(2016, 2026):
        since = day(1).replace(year=year)
        for number in range(2027 - year):
            url = f"https://list-{number % 7}.example/{year}/{number}.jpg"
            made.claim(url=url, since=since, signal="do-not-train" if number % 2 else None)
    made.claim(url=f"{LICENCE}/1.jpg", meaning="conditional", licence_url=LICENCE)
    return made.snapshot(folder).path


def dataset_in(folder: Path) -> Path:
    """Write the dataset: copies of marked pictures, claimed URLs, a closed site, free pictures."""
    rows: list[tuple[str | None, str, bytes | None]] = [
        (f"https://copies.example/{name}.webp", f"a copy of {name}", altered(name))
        for name in MARKED
    ]
    rows += [(f"https://free.example/{name}.jpg", name, altered(name)) for name in FREE]
    rows += [(f"https://closed.example/{number}.jpg", "closed", None) for number in range(9)]
    rows += [
        (f"https://list-{number % 7}.example/{year}/{number}.jpg", f"of {year}", None)
        for year in range(2016, 2026)
        for number in range(2027 - year)
    ]
    rows += [(f"{LICENCE}/1.jpg", "licensed", None), (None, "nothing", None), ("ftp:", "bad", None)]
    rows.append(("https://free.example/damaged.jpg", "damaged", b"\xff\xd8\xff\xe0" + bytes(40)))
    names = ("url", "caption", "image")
    path = folder / "artworks.parquet"
    columns = map(list, zip(*rows, strict=True))
    pq.write_table(pa.table(dict(zip(names, columns, strict=True))), path)
    return path


def altered(name: str) -> bytes:
    """Return a re-encoded copy of a picture, three quarters of its size."""
    written = io.BytesIO()
    with Image.open(PICTURES / f"{name}.jpg") as image:
        size = image.width * 3 // 4, image.height * 3 // 4
        image.convert("RGB").resize(size).save(written, "WEBP", quality=60)
    return written.getvalue()
