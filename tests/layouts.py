"""Datasets of 40 rows in the layouts met in the wild, with known truth.

Seven of the forty pictures are reserved. A layout writes them as such a dataset
holds them, and says which rows offer something that leads to a reserved picture.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import imagehash
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from made import Made
from PIL import Image, ImageDraw

from registry.fingerprints import fingerprint
from registry.snapshot.store import Snapshot

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
        return _jpeg(self.image.resize((120, 90)))


def _jpeg(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=90)
    return content.getvalue()


@cache
def works() -> tuple[Work, ...]:
    made = []
    for number in range(ROWS):
        rng = random.Random(number)
        image = Image.new("RGB", (160, 120), (rng.randrange(256), 200, 90))
        pen = ImageDraw.Draw(image)
        for _ in range(25):
            x, y = rng.randrange(160), rng.randrange(120)
            colour = tuple(rng.randrange(256) for _ in range(3))
            pen.ellipse((x, y, x + rng.randrange(9, 60), y + rng.randrange(9, 60)), fill=colour)
        content = _jpeg(image)
        made.append(Work(number, Image.open(io.BytesIO(content)).convert("RGB"), content))
    return tuple(made)


def registry_of_works(folder: Path) -> Snapshot:
    """Return a snapshot that knows the reserved works, and a few free ones of the site."""
    made = Made()
    for work in works():
        if work.number not in RESERVED:
            continue
        known = fingerprint(work.jpeg)
        image = made.image(
            int(known.fingerprints["phash64"]["full"], 16),
            phash256=bytes.fromhex(known.fingerprints["phash256"]["full"]),
            sha256=bytes.fromhex(known.sha256),
            md5=bytes.fromhex(known.md5),
        )
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


# ---- addresses


@layout("all")
def laion_400m(folder: Path) -> Path:
    return simple(folder, SAMPLE_ID=ints(), URL=URL, TEXT=WORDS, HEIGHT=ints(), WIDTH=ints())


@layout("all")
def laion_2b_joined(folder: Path) -> Path:
    hashes = pa.array([w.number * 7919 - 2**62 for w in works()], pa.int64())
    return simple(folder, URL=URL, TEXT=WORDS, hash=hashes, punsafe=ints(pa.float32()))


@layout("all")
def laion_md5(folder: Path) -> Path:
    return simple(folder, URL=ELSEWHERE, TEXT=WORDS, md5=MD5)


@layout("all")
def laion_seed_with_both_cases(folder: Path) -> Path:
    return simple(folder, URL=ELSEWHERE, url=URL, WIDTH=ints(), width=ints(), sha256=SHA256)


@layout("all")
def datacomp(folder: Path) -> Path:
    uid = texts(lambda w: hashlib.md5(w.url.encode()).hexdigest())
    boxes = pa.array([[[0.1, 0.2]]] * ROWS)
    return simple(folder, uid=uid, url=ELSEWHERE, text=WORDS, face_bboxes=boxes, sha256=SHA256)


@layout("all")
def coyo_700m(folder: Path) -> Path:
    return simple(folder, id=ints(), url=ELSEWHERE, text=WORDS, image_phash=PHASH)


@layout("all")
def coyo_labeled(folder: Path) -> Path:
    labels = pa.array([[1, 2]] * ROWS)
    return simple(folder, id=ints(), url=ELSEWHERE, imagehash=PHASH, labels=labels)


@layout("all")
def waon(folder: Path) -> Path:
    title = texts(lambda w: f"page {w.number}")
    return simple(folder, url=PLAIN, caption=WORDS, page_title=title, page_url=PAGE, phash=PHASH)


@layout("all")
def waon_by_its_page(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, caption=WORDS, page_url=PAGE)


@layout("all")
def pd12m(folder: Path) -> Path:
    mime = texts(lambda w: "image/jpeg")
    return simple(folder, id=ints(), url=ELSEWHERE, hash=MD5, mime_type=mime, license=WORDS)


@layout("all")
def wit(folder: Path) -> Path:
    return simple(folder, language=WORDS, page_url=PAGE, image_url=ELSEWHERE, mime_type=WORDS)


@layout("all")
def yfcc_named(folder: Path) -> Path:
    licence = texts(lambda w: "https://creativecommons.org/licenses/by/2.0/")
    return simple(folder, photoid=ints(), pageurl=ELSEWHERE, downloadurl=URL, licenseurl=licence)


@layout("all")
def unsplash(folder: Path) -> Path:
    page = texts(lambda w: f"https://unsplash.example/photos/{w.number}")
    author = texts(lambda w: f"https://unsplash.example/@someone{w.number}")
    return simple(
        folder, photo_url=page, photo_image_url=PLAIN, photographer_url=author, blur_hash=WORDS
    )


@layout("all")
def danbooru(folder: Path) -> Path:
    preview = texts(lambda w: f"https://booru.example/preview/{w.number}.jpg")
    return simple(folder, id=ints(), source=PAGE, file_url=ELSEWHERE, preview=preview, md5=MD5)


@layout("all")
def danbooru_source_is_the_work(folder: Path) -> Path:
    return simple(folder, source=URL, file_url=ELSEWHERE)


@layout("all")
def open_images(folder: Path) -> Path:
    author = texts(lambda w: f"https://people.example/{w.number}")
    return simple(
        folder, ImageID=MD5, OriginalURL=URL, OriginalLandingURL=PAGE, AuthorProfileURL=author
    )


@layout("all")
def unnamed_column_of_urls(folder: Path) -> Path:
    return simple(folder, LINK_TO_PICTURE=URL, caption=WORDS)


@layout("all")
def dictionary_and_large_strings(folder: Path) -> Path:
    return simple(folder, url=URL.dictionary_encode(), sha256=SHA256.cast(pa.large_string()))


@layout("all")
def escaped_and_tracked(folder: Path) -> Path:
    dressed = (
        lambda w: f"\u00a0{w.url}?utm_source=x&amp;fbclid=1",
        lambda w: w.url.replace("/works/", "\\works\\"),
        lambda w: w.url + "?&\u200b",
    )
    return simple(folder, url=texts(lambda w: dressed[w.number % 3](w)))


@layout("all")
def hive_folders(folder: Path) -> Path:
    for half in (0, 1):
        part = slice(half * 20, half * 20 + 20)
        parquet(folder / f"data/part={half}/0.parquet", url=URL[part], sha256=SHA256[part])
    (folder / "data/README.md").write_text("a dataset")
    return folder / "data"


@layout("partly")
def some_addresses_are_none(folder: Path) -> Path:
    mixed = texts(lambda w: f"C:\\pictures\\{w.number}.jpg" if w.number % 2 else w.url)
    return simple(folder, url=mixed)


@layout("partly")
def data_uris(folder: Path) -> Path:
    return simple(folder, url=texts(lambda w: "data:image/png;base64,iVBORw0KGgo"))


@layout("asked")
def a_page_is_no_picture(folder: Path) -> Path:
    return simple(folder, page_url=PAGE, caption=WORDS)


@layout("asked")
def photo_url_alone(folder: Path) -> Path:
    return simple(folder, photo_url=texts(lambda w: f"https://u.example/p/{w.number}"))


@layout("asked")
def several_addresses_of_unsaid_meaning(folder: Path) -> Path:
    post = texts(lambda w: f"https://u.example/p/{w.number}")
    return simple(folder, post=post, thread=post)


# ---- hashes


@layout("partly")
def phash_that_is_dhash(folder: Path) -> Path:
    return simple(folder, phash=texts(lambda w: str(imagehash.dhash(w.image))))


@layout("partly")
def phash_that_is_ahash(folder: Path) -> Path:
    ahash = texts(lambda w: str(imagehash.average_hash(w.image)))
    return simple(folder, url=ELSEWHERE, image_phash=ahash)


@layout("partly")
def phash_that_is_whash(folder: Path) -> Path:
    return simple(folder, imagehash=texts(lambda w: str(imagehash.whash(w.image))))


@layout("partly")
def phash_as_number(folder: Path) -> Path:
    codes = pa.array([int(w.phash, 16) for w in works()], pa.uint64())
    return simple(folder, url=ELSEWHERE, phash=codes)


@layout("partly")
def data_juicer_of_two_pictures(folder: Path) -> Path:
    pictures = pa.array([[w.url, w.url] for w in works()])
    twice = texts(lambda w: w.phash * 2)
    return simple(folder, url=ELSEWHERE, images=pictures, imagehash=twice)


@layout("refused")
def only_a_dhash(folder: Path) -> Path:
    return simple(folder, dhash=texts(lambda w: str(imagehash.dhash(w.image))))


@layout("refused")
def iscc_codes(folder: Path) -> Path:
    return simple(folder, iscc=texts(lambda w: "ISCC:EEA4GQZQTY6J5DTH"), title=WORDS)


@layout("all")
def digests_as_bytes(folder: Path) -> Path:
    return simple(folder, sha256=pa.array([bytes.fromhex(w.sha256) for w in works()]))


# ---- pictures


@layout("all")
def img2dataset_parquet(folder: Path) -> Path:
    status = texts(lambda w: "success")
    return simple(
        folder,
        url=ELSEWHERE,
        caption=WORDS,
        key=WORDS,
        status=status,
        error_message=pa.nulls(ROWS),
        jpg=pa.array([w.resized for w in works()]),
        sha256=SHA256,
    )


@layout("all")
def huggingface_pictures(folder: Path) -> Path:
    structs = [{"bytes": w.resized, "path": f"{w.number}.jpg"} for w in works()]
    return simple(folder, image=pa.array(structs), artist=ints(), style=ints())


@layout("all")
def huggingface_path_before_bytes(folder: Path) -> Path:
    kind = pa.struct([("path", pa.string()), ("bytes", pa.large_binary())])
    structs = [{"path": None, "bytes": w.jpeg} for w in works()]
    return simple(folder, picture=pa.array(structs, kind))


@layout("partly")
def huggingface_paths_without_bytes(folder: Path) -> Path:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    structs = [{"bytes": None, "path": f"/data/{w.number}.jpg"} for w in works()]
    return simple(folder, image=pa.array(structs, kind), url=ELSEWHERE)


@layout("all")
def pick_a_pic(folder: Path) -> Path:
    other = _jpeg(Image.effect_noise((64, 64), 90).convert("RGB"))
    return simple(
        folder,
        are_different=pa.array([True] * ROWS),
        image_0_url=texts(lambda w: f"https://gen.example/a/{w.number}.png"),
        image_1_url=texts(lambda w: f"https://gen.example/b/{w.number}.png"),
        jpg_0=pa.array([other] * ROWS),
        jpg_1=pa.array([w.resized for w in works()]),
    )


@layout("all")
def bytes_under_another_name(folder: Path) -> Path:
    return simple(folder, blob=pa.array([w.jpeg for w in works()]), label=ints())


@layout("refused")
def pictures_as_base64(folder: Path) -> Path:
    return simple(folder, image=texts(lambda w: base64.b64encode(w.jpeg).decode()))


@layout("partly")
def base64_beside_urls(folder: Path) -> Path:
    encoded = texts(lambda w: base64.b64encode(w.jpeg).decode())
    return simple(folder, url=ELSEWHERE, image_base64=encoded)


@layout("partly")
def several_pictures_a_row(folder: Path) -> Path:
    structs = [[{"bytes": w.jpeg, "path": None}] for w in works()]
    return simple(folder, url=ELSEWHERE, images=pa.array(structs))


@layout("partly")
def lists_of_urls_beside_one(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, image_urls=pa.array([[w.url] for w in works()]))


@layout("refused")
def lists_of_urls(folder: Path) -> Path:
    return simple(folder, image_urls=pa.array([[w.url] for w in works()]), captions=WORDS)


@layout("all")
def a_folder_of_pictures(folder: Path) -> Path:
    for work in works():
        place = folder / f"pictures/{work.number:03d}.jpg"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(work.resized)
        place.with_suffix(".txt").write_text("a caption, comma, separated")
    return folder / "pictures"


@layout("partly")
def img2dataset_files(folder: Path) -> Path:
    parquet(folder / "out/00000.parquet", url=ELSEWHERE, key=WORDS, status=WORDS)
    (folder / "out/00000_stats.json").write_text("{}")
    for work in works():
        place = folder / f"out/00000/{work.number:09d}.jpg"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(work.resized)
        place.with_suffix(".json").write_text(json.dumps({"url": work.url}))
    return folder / "out"


@layout("partly")
def img2dataset_files_without_table(folder: Path) -> Path:
    other = _jpeg(Image.effect_noise((64, 64), 90).convert("RGB"))
    for work in works():
        place = folder / f"out/{work.number:09d}.jpg"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(other + bytes([work.number]))
        place.with_suffix(".json").write_text(json.dumps({"url": work.url}))
    return folder / "out"


@layout("partly")
def img2dataset_webdataset_with_side_table(folder: Path) -> Path:
    parquet(folder / "out/00000.parquet", url=ELSEWHERE, key=WORDS, status=WORDS)
    webdataset(folder / "out")
    return folder / "out"


@layout("partly")
def imagefolder_with_metadata(folder: Path) -> Path:
    other = _jpeg(Image.effect_noise((64, 64), 90).convert("RGB"))
    lines = ["file_name,source_url"]
    for work in works():
        place = folder / f"train/{work.number}.jpg"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(other + bytes([work.number]))
        lines.append(f"{work.number}.jpg,{work.url}")
    (folder / "train/metadata.csv").write_text("\n".join(lines))
    return folder / "train"


# ---- formats that are not read


@layout("refused")
def csv_file(folder: Path) -> Path:
    lines = ["url,text", *(f"{w.url},cat" for w in works())]
    return _written(folder / "data.csv", "\n".join(lines))


@layout("refused")
def tsv_without_header(folder: Path) -> Path:
    return _written(folder / "cc12m.tsv", "\n".join(f"{w.url}\tcat" for w in works()))


@layout("refused")
def json_lines(folder: Path) -> Path:
    lines = (json.dumps({"url": w.url, "text": "cat"}) for w in works())
    return _written(folder / "data.jsonl", "\n".join(lines))


@layout("refused")
def sbu_json(folder: Path) -> Path:
    content = {"image_urls": [w.url for w in works()], "captions": ["cat"] * ROWS}
    return _written(folder / "sbu.json", json.dumps(content))


@layout("refused")
def journeydb_lines(folder: Path) -> Path:
    lines = (json.dumps({"img_path": f"000/{w.number}.jpg", "prompt": "cat"}) for w in works())
    return _written(folder / "train_anno.jsonl", "\n".join(lines))


@layout("refused")
def arrow_file(folder: Path) -> Path:
    table = pa.table({"url": URL})
    with (
        pa.OSFile(str(folder / "data.arrow"), "wb") as file,
        pa.ipc.new_file(file, table.schema) as out,
    ):
        out.write_table(table)
    return folder / "data.arrow"


@layout("refused")
def saved_to_disk(folder: Path) -> Path:
    table = pa.table({"image": [{"bytes": w.jpeg, "path": None} for w in works()]})
    place = folder / "saved/data-00000-of-00001.arrow"
    place.parent.mkdir()
    with pa.OSFile(str(place), "wb") as file, pa.ipc.new_stream(file, table.schema) as out:
        out.write_table(table)
    _written(folder / "saved/state.json", "{}")
    return folder / "saved"


@layout("refused")
def webdataset_folder(folder: Path) -> Path:
    webdataset(folder / "shards")
    return folder / "shards"


def webdataset(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / "00000.tar", "w") as tar:
        for work in works():
            for suffix, content in (("jpg", work.resized), ("json", work.url.encode())):
                member = tarfile.TarInfo(f"{work.number:09d}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


@layout("refused")
def diffusiondb_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "part-000001.zip", "w") as archive:
        for work in works():
            archive.writestr(f"{work.number}.png", work.jpeg)
    return folder / "part-000001.zip"


@layout("refused")
def diffusiondb_metadata(folder: Path) -> Path:
    names = texts(lambda w: f"{w.number}.png")
    user = texts(lambda w: hashlib.sha256(bytes([w.number])).hexdigest())
    return simple(folder, image_name=names, prompt=WORDS, user_name=user)


@layout("refused")
def datacomp_subset(folder: Path) -> Path:
    np.save(folder / "subset.npy", np.zeros(ROWS, "u8,u8"))
    return folder / "subset.npy"


@layout("refused")
def remote(folder: Path) -> Path:
    return Path("s3:/") / "bucket/data.parquet"


def _written(path: Path, content: str) -> Path:
    path.write_text(content)
    return path
