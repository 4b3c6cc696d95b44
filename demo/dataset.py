"""Makes a dataset from the sample site's pictures, with the expected outcomes.

The layout is COYO's (`url`, `text`, `width`, `height`, `image_phash`). The rows are
like those of real datasets: known URLs, copies of known pictures at other addresses,
unknown pictures, URLs under closed folders, and rows with missing values. The truth, a
file in the same folder, has the outcome of each row under the policy `cautious`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Literal

from demo.content import FOLDERS, ROOT, filled

if TYPE_CHECKING:
    from PIL import Image

Change = Literal["none", "jpeg40", "webp50", "half", "grey", "contrast"]
UNKNOWN_ROWS = 10
SEED = 64

# Reserved pictures, listed by their own URL.
RESERVED = (
    "site/pictures/tiger.jpg",
    "cdn/media/wolf.jpg",
    "cdn/media/library.jpg",
    "site/pictures/crawfish.jpg",
    "cdn/media/compass.jpg",
    "site/portfolio-closed/bus.jpg",
    "other/elsewhere/jupiter.jpg",
    "cdn/media/fireworks.jpg",
    "site/pictures/bouquet.jpg",
    "site/pictures/dragonfly.jpg",
    "site/pictures/xylophone.jpg",
)
# Pictures without a reservation, listed by their own URL.
UNMARKED = (
    "site/pictures/cat.jpg",
    "cdn/media/coffee.jpg",
    "site/pictures/astronaut.jpg",
    "cdn/media/rose.jpg",
    "cdn/media/villa.jpg",
    "cdn/media/river.jpg",
    "cdn/media/billiards.jpg",
    "cdn/media/park.jpg",
    "cdn/media/igloo.jpg",
    "site/pictures/sunset.jpg",
    "site/pictures/harp.jpg",
    "cdn/media/mushroom.jpg",
    "site/pictures/french-horn.jpg",
    "site/pictures/bulldog.jpg",
    "site/pictures/swallowtail.png",
    "cdn/media/pink-cake.webp",
    "other/elsewhere/meadow.jpg",
)
# Altered copies at an address that was never crawled: picture and change.
COPIES: tuple[tuple[str, Change], ...] = (
    ("site/pictures/tiger.jpg", "jpeg40"),
    ("cdn/media/wolf.jpg", "contrast"),
    ("cdn/media/library.jpg", "webp50"),
    ("cdn/media/campfire.jpg", "jpeg40"),
    ("cdn/media/deep-field.jpg", "half"),
    ("site/pictures/moon.jpg", "grey"),
    ("site/pictures/jukebox.jpg", "none"),
    ("site/portfolio-closed/sailing-boat.jpg", "webp50"),
)
UNMARKED_COPIES: tuple[tuple[str, Change], ...] = (
    ("site/pictures/labrador.jpg", "half"),
    ("cdn/media/clock.jpg", "jpeg40"),
    ("site/pictures/launch.jpg", "grey"),
    ("cdn/media/geranium.jpg", "none"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row and its expected outcome.

    `picture` is the file whose fingerprint the row has (after `change`), or None.
    `matched_by` lists the ways of matching that are right for a reserved row; empty
    for other rows.
    """

    url: str | None
    text: str | None
    outcome: Literal["reserved", "clear", "unchecked"]
    why: str
    picture: str | None = None
    change: Change = "none"
    phash: str | None = None
    matched_by: tuple[str, ...] = ()


def _upright(picture: str) -> Image.Image:
    """Return a picture of the site upright and on white."""
    from PIL import Image, ImageOps

    role, _, path = picture.partition("/")
    with Image.open(ROOT / FOLDERS[role] / path) as image:
        turned = ImageOps.exif_transpose(image).convert("RGBA")
    white = Image.new("RGBA", turned.size, "white")
    return Image.alpha_composite(white, turned).convert("RGB")


def _changed(image: Image.Image, change: Change) -> Image.Image:
    """Return the picture after one change, in memory."""
    from PIL import Image, ImageEnhance

    if change == "half":
        return image.resize((image.width // 2, image.height // 2))
    if change == "grey":
        return image.convert("L")
    if change == "contrast":
        return ImageEnhance.Contrast(image).enhance(1.5)
    if change == "none":
        return image
    buffer = io.BytesIO()
    if change == "jpeg40":
        image.save(buffer, "JPEG", quality=40)
    else:
        image.save(buffer, "WEBP", quality=50)
    return Image.open(buffer)


def _unknown_hashes() -> list[str]:
    """Return random hashes like real ones: 32 bits set, the first among them."""
    random = Random(SEED)
    picks = [[0, *random.sample(range(1, 64), 31)] for _ in range(UNKNOWN_ROWS + 1)]
    return [f"{sum(1 << (63 - bit) for bit in bits):016x}" for bits in picks]


def _listed() -> Iterator[Row]:
    for picture in RESERVED:
        yield Row(
            _at(picture),
            _alt(picture),
            "reserved",
            "a reserved picture at its own URL",
            picture,
            matched_by=("url", "fingerprint"),
        )
    for picture in UNMARKED:
        yield Row(_at(picture), _alt(picture), "clear", "a picture without a reservation", picture)


def _copied() -> Iterator[Row]:
    for count, (picture, change) in enumerate(COPIES):
        url = f"https://re-host.example/img/{count:03}.jpg"
        yield Row(
            url,
            _alt(picture),
            "reserved",
            "a copy of a reserved picture elsewhere",
            picture,
            change,
            matched_by=("fingerprint",),
        )
    for count, (picture, change) in enumerate(UNMARKED_COPIES):
        url = f"https://re-host.example/free/{count:03}.jpg"
        yield Row(url, _alt(picture), "clear", "a copy of an unmarked picture", picture, change)


def _unknown() -> Iterator[Row]:
    *hashes, last = _unknown_hashes()
    for count, phash in enumerate(hashes):
        url = f"https://photos.example/{count}/view.jpg"
        yield Row(url, f"Stock photo {count}", "clear", "unknown in every way", phash=phash)
    yield Row(None, "No address", "clear", "no URL, and an unknown hash", phash=last)
    yield Row("https://photos.example/bare.jpg", "No hash", "clear", "an unknown URL, no hash")


def _variants() -> Iterator[Row]:
    both = ("url", "fingerprint")
    crawfish, tiger, cat = (f"site/pictures/{name}.jpg" for name in ("crawfish", "tiger", "cat"))
    yield Row(
        _at(crawfish) + "?w=300",
        _alt(crawfish),
        "reserved",
        "a query was added",
        crawfish,
        "half",
        matched_by=both,
    )
    yield Row(
        _at(tiger) + "#main",
        _alt(tiger),
        "reserved",
        "a fragment was added",
        tiger,
        matched_by=both,
    )
    yield Row(
        _at(tiger) + "#again",
        _alt(tiger),
        "reserved",
        "a fragment, and no hash",
        matched_by=("url",),
    )
    yield Row(_at(cat) + "?utm_source=feed", _alt(cat), "clear", "a query on an unmarked one", cat)


def _by_fingerprint() -> Iterator[Row]:
    """Yield rows with an unmarked URL and a reserved picture."""
    tiger, cat = "site/pictures/tiger.jpg", "site/pictures/cat.jpg"
    small = "site/pictures/tiger-200x327.jpg"
    yield Row(
        _at(small),
        _alt(tiger),
        "reserved",
        "an unmarked small size of a reserved picture",
        small,
        matched_by=("fingerprint", "url"),
    )
    yield Row(
        "{{site}}/pictures/cat.jpg",
        _alt(cat),
        "reserved",
        "an unmarked URL that showed a reserved picture when the dataset was made",
        "cdn/media/campfire.jpg",
        matched_by=("fingerprint",),
    )


def _closed() -> Iterator[Row]:
    yield Row(
        "{{site}}/portfolio-closed/archive/unhung.jpg",
        "Unhung",
        "reserved",
        "never crawled, in a folder closed to training agents",
        matched_by=("site",),
    )
    yield Row(
        "{{site}}/private/ledger.png",
        "Ledger",
        "reserved",
        "never crawled, in a folder closed to everybody",
        matched_by=("site",),
    )
    yield Row(
        "{{other}}/members/retina.jpg",
        "Retina",
        "reserved",
        "seen on a page, closed by its own host",
        matched_by=("site", "url"),
    )


def _incomplete() -> Iterator[Row]:
    crawfish = "site/pictures/crawfish.jpg"
    yield Row(
        None,
        _alt(crawfish),
        "reserved",
        "no URL, the hash of a reserved picture",
        crawfish,
        matched_by=("fingerprint",),
    )
    yield Row(None, None, "unchecked", "nothing at all")
    yield Row(None, "A caption alone", "unchecked", "neither URL nor hash")


def _at(picture: str) -> str:
    """Return the URL of a picture, its host as a placeholder."""
    role, _, path = picture.partition("/")
    return "{{" + role + "}}/" + path


def _alt(picture: str) -> str:
    """Return an alternative text made from a file name."""
    return Path(picture).stem.replace("-", " ").capitalize()


def rows() -> list[Row]:
    """Return every row in order, `{{site}}`, `{{cdn}}` and `{{other}}` not yet filled in."""
    parts = (
        *(_listed(), _copied(), _unknown(), _variants()),
        *(_by_fingerprint(), _closed(), _incomplete()),
    )
    listed = [row for part in parts for row in part]
    Random(SEED).shuffle(listed)
    return listed


def _columns(row: Row) -> tuple[int | None, int | None, str | None, int | None]:
    """Return width, height and hash of the row's picture, and the hash's distance in bits.

    The distance is from the picture as the site serves it.
    """
    import imagehash

    if row.picture is None:
        return None, None, row.phash, None
    original = _upright(row.picture)
    image = _changed(original, row.change)
    phash = imagehash.phash(image)
    return image.width, image.height, str(phash), int(phash - imagehash.phash(original))


def make_dataset(site_url: str, out: Path, *, cdn_url: str, other_url: str) -> None:
    """Write the dataset to `out`, and its truth to `STEM_truth.json` in the same folder.

    The URLs are those of a running SampleSite, without a trailing slash. The
    truth is a list with one object for each row: `row` (from 0), `url`, `outcome`,
    `matched_by` (any of these is right), `picture`, `change`, `phash`, `distance`
    (bits between the row's hash and the picture's), `text`, `why`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    hosts = {"site": site_url, "cdn": cdn_url, "other": other_url}
    made, truth = [], []
    for number, row in enumerate(rows()):
        url = row.url and filled(row.url, hosts)
        width, height, phash, distance = _columns(row)
        made.append(
            {"url": url, "text": row.text, "width": width, "height": height, "image_phash": phash}
        )
        filled_in = {"url": url, "phash": phash, "distance": distance}
        truth.append({"row": number} | asdict(row) | filled_in)
    schema = pa.schema(
        [
            ("url", pa.string()),
            ("text", pa.string()),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("image_phash", pa.string()),
        ]
    )
    pq.write_table(pa.Table.from_pylist(made, schema), out, row_group_size=25)
    text = json.dumps(truth, indent=1, ensure_ascii=False) + "\n"
    out.with_name(f"{out.stem}_truth.json").write_text(text, "utf-8")
