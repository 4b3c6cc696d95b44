"""Makes the sample site's pictures from their sources, and the list `SOURCES`.

Run by hand when `site/works.csv` changes; the results are committed, so neither
the demo nor the tests need it. The sources are three packages of public-domain
and CC0 pictures, unpacked:

    apt-get download openclipart-png openclipart-svg      (Debian, 1:0.18+dfsg-19)
    pip download --no-deps scikit-image==0.26.0
    python -m demo.build_site --png DIR --svg DIR --photos DIR

`--svg` has the drawings from which the PNG files were made: their metadata names
title, author and terms. A drawing whose terms are not "public domain" is refused.
"""

from __future__ import annotations

import argparse
import csv
import html
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

SITE = Path(__file__).with_name("site")
QUALITY = 80
EXIF_ORIENTATION = 0x0112
ENCODINGS: dict[str, dict[str, Any]] = {
    ".jpg": {"format": "JPEG", "quality": QUALITY, "optimize": True},
    ".png": {"format": "PNG", "optimize": True},
    ".webp": {"format": "WEBP", "quality": QUALITY, "method": 6},
    ".gif": {"format": "GIF"},
}

# Title, author and terms as in `skimage/data/_fetchers.py` of the wheel.
PHOTOS = {
    "astronaut.png": ("Astronaut Eileen Collins", "NASA", "public domain"),
    "chelsea.png": ("Chelsea the cat", "Stefan van der Walt", "CC0"),
    "coffee.png": ("Coffee cup", "Rachel Michetti", "CC0"),
    "camera.png": ("Camera man", "Lav Varshney", "CC0"),
    "hubble_deep_field.jpg": ("Hubble eXtreme Deep Field", "NASA", "public domain"),
    "rocket.jpg": ("Launch of DSCOVR on Falcon 9", "SpaceX", "public domain"),
    "clock_motion.png": ("Motion-blurred clock", "Stefan van der Walt", "public domain"),
    "retina.jpg": ("Human retina", "Mikael Häggström", "CC0"),
    "brick.png": ("Brick wall (Bricks25)", "CC0Textures", "CC0"),
    "gravel.png": ("Gravel (Gravel04)", "CC0Textures", "CC0"),
    "grass.png": ("Grass", "CC0Textures", "CC0"),
}
PACKAGES = {
    "openclipart": "Debian openclipart-png 1:0.18+dfsg-19",
    "scikit-image": "scikit-image 0.26.0 (wheel, skimage/data)",
    "drawn": "made for this site by demo/build_site.py",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of one picture: files, title, author, terms."""

    files: tuple[Path, ...]
    title: str
    author: str
    terms: str


def _first(pattern: str, text: str) -> str:
    """Return the first group of the first match with its HTML entities decoded, or ''."""
    found = re.search(pattern, text, re.DOTALL)
    return " ".join(html.unescape(found.group(1)).split()) if found else ""


def clipart_origin(upstream: str, png: Path, svg: Path) -> Origin:
    """Return the origin with title, author and terms of the drawing's own metadata.

    Raises SystemExit for a drawing that is not in the public domain.
    """
    names = upstream.split()
    text = (svg / names[0]).with_suffix(".svg").read_text("utf-8", errors="replace")
    meta = _first(r"(<metadata.*?</metadata>)", text)
    licence = _first(r'cc:license rdf:resource="([^"]*)"', meta)
    if not licence.endswith("/PublicDomain"):
        raise SystemExit(f"error: {names[0]} is not stated to be in the public domain: {licence!r}")
    title = _first(r"<dc:title>(.*?)</dc:title>", meta)
    author = _first(r"<dc:creator>.*?<dc:title>(.*?)</dc:title>", meta)
    return Origin(tuple(png / name for name in names), title, author, "public domain")


def origin_of(row: dict[str, str], folders: argparse.Namespace) -> Origin:
    """Return the origin of the picture of one row of works.csv."""
    if row["package"] == "openclipart":
        return clipart_origin(row["upstream"], folders.png, folders.svg)
    if row["package"] == "scikit-image":
        return Origin((folders.photos / row["upstream"],), *PHOTOS[row["upstream"]])
    return Origin((), "", "this project", "CC0")


def _shrink(image: Image.Image, side: int) -> Image.Image:
    """Return the picture with its longest side at most `side` pixels."""
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small


def _flat(image: Image.Image) -> Image.Image:
    """Return the picture on white, without alpha."""
    layered = image.convert("RGBA")
    white = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(white, layered).convert("RGB")


def _encoded(image: Image.Image, suffix: str, **options: Any) -> bytes:
    """Return the picture as a file of the format of `suffix`."""
    buffer = io.BytesIO()
    image.save(buffer, **{**ENCODINGS[suffix], **options})
    return buffer.getvalue()


def _turned(image: Image.Image) -> bytes:
    """Return a JPEG of the picture on its side, with the Exif field that turns it upright."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    sideways = image.transpose(Image.Transpose.ROTATE_90)
    return _encoded(sideways, ".jpg", exif=exif.tobytes())


def _animated(paths: tuple[Path, ...], side: int) -> bytes:
    """Return one GIF that shows the pictures one after the other."""
    frames = [_shrink(_flat(Image.open(path)), side).quantize(64) for path in paths]
    return _encoded(
        frames[0], ".gif", save_all=True, append_images=frames[1:], duration=900, loop=0
    )


def drawn(form: str, side: int) -> tuple[bytes, str]:
    """Return a file that is unfit or no picture, and a description of how it was made."""
    if form == "flat":
        sheet = Image.new("RGB", (side, side), (250, 250, 248))
        return _encoded(sheet, ".png"), "one even colour, unfit on purpose"
    if form == "empty":
        return b"", "a file of 0 bytes, on purpose"
    page = b"<!DOCTYPE html>\n<title>Retired</title>\n<p>This picture has been retired.</p>\n"
    return page, "an HTML text under an image's name, on purpose"


def render(origin: Origin, row: dict[str, str]) -> dict[str, tuple[bytes, str]]:
    """Return the files made from one row: by file name, bytes and a description of the steps."""
    side, form, path = int(row["side"]), row["form"], Path(row["file"])
    if not origin.files:
        return {str(path): drawn(form, side)}
    if form == "gif":
        return {str(path): (_animated(origin.files, side), f"flattened, ≤ {side} px, animated")}
    image = Image.open(origin.files[0])
    full = _shrink(image.convert("RGBA") if form == "alpha" else _flat(image), side)
    done = f"{'alpha kept' if form == 'alpha' else 'flattened on white'}, ≤ {side} px"
    files = {str(path): (_encoded(full, path.suffix), done)}
    if form == "exif6":
        files = {str(path): (_turned(full), f"{done}, stored on its side with EXIF orientation 6")}
    if form == "truncated":
        whole = files[str(path)][0]
        files = {str(path): (whole[: len(whole) * 2 // 5], f"{done}, cut off at 40 % on purpose")}
    for width in map(int, row["sizes"].split()):
        small = full.resize(
            (width, round(full.height * width / full.width)), Image.Resampling.LANCZOS
        )
        name = path.with_name(f"{path.stem}-{small.width}x{small.height}{path.suffix}")
        files[str(name)] = (_encoded(small, path.suffix), f"{done}, then {width} px wide")
    return files


def sources_line(file: str, row: dict[str, str], origin: Origin, done: str) -> str:
    """Return one line of SOURCES: five columns separated by tabs."""
    where = PACKAGES[row["package"]] + (f": {row['upstream']}" if row["upstream"] else "")
    who = f"{origin.title or 'untitled'}, by {origin.author or 'an unnamed author'}"
    return "\t".join((file, where, who, origin.terms, done))


def main() -> None:
    """Make every picture of works.csv and SOURCES."""
    parser = argparse.ArgumentParser(description="Make the sample site's pictures.")
    for name in ("png", "svg", "photos"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    folders = parser.parse_args()
    lines = ["file\tfrom\ttitle and author\tterms\twhat was done"]
    with (SITE / "works.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            origin = origin_of(row, folders)
            for file, (data, done) in render(origin, row).items():
                target = SITE / file
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
                lines.append(sources_line(file, row, origin, done))
    (SITE / "SOURCES").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
