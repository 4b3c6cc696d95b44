"""Layouts of datasets of 40 rows, with known truth: keys where nobody expects them."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from uuid import UUID

import imagehash
import numpy as np
import pyarrow as pa
from layout_parts import (
    ELSEWHERE,
    MD5,
    PAGE,
    PHASH,
    PLAIN,
    RESERVED,
    ROWS,
    SHA256,
    URL,
    WORDS,
    ints,
    jpeg_of,
    layout,
    parquet,
    simple,
    texts,
    works,
)
from PIL import Image

NOISE = jpeg_of(Image.effect_noise((64, 64), 90).convert("RGB"))
OTHER_SHA = texts(lambda w: f"{w.number:064x}")


# ---- addresses and digests that are looked up


@layout("all")
def addresses_as_bytes(folder: Path) -> Path:
    return simple(folder, url=URL.cast(pa.binary()), text=WORDS)


@layout("all")
def addresses_as_bytes_beside_a_hash(folder: Path) -> Path:
    return simple(folder, url=URL.cast(pa.binary()), sha256=OTHER_SHA)


@layout("all")
def without_a_scheme_beside_others(folder: Path) -> Path:
    return simple(folder, src=ELSEWHERE, alt_src=texts(lambda w: w.url.removeprefix("https:")))


@layout("all")
def the_picture_of_a_user(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, user_image_url=URL)


@layout("all")
def a_picture_in_a_column_named_for_a_page(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, reference_image=PLAIN)


@layout("all")
def a_picture_in_a_column_named_for_a_person(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, artist_artwork_url=PLAIN, licensed_image_url=ELSEWHERE)


@layout("all")
def what_shows_nothing_before_a_second_address(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, second=texts(lambda w: f"\ufeff\u200b{w.plain_url}"))


@layout("all")
def backslashes_in_a_second_address(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, second=texts(lambda w: w.url.replace("/", "\\")))


@layout("all")
def a_line_end_within_a_second_address(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, second=texts(lambda w: w.url.replace("works", "wo\nrks")))


# What stands after an address that was cut out of a list, a page or a sentence.
AFTER = ('",', ";", ".", "]", "}", ")", "'", "\\n", "%20", "&quot;", " 2x", " a cat", "\u201d", "|")


@layout("partly")
def addresses_and_what_stood_after_them(folder: Path) -> Path:
    ends = texts(lambda w: w.url + AFTER[w.number % len(AFTER)])
    more = texts(
        lambda w: w.url + AFTER[RESERVED.index(w.number) + 7] if w.number in RESERVED else ""
    )
    return simple(folder, url=ELSEWHERE, note=ends, src=more)


@layout("all")
def an_address_within_another(folder: Path) -> Path:
    within = texts(lambda w: f"https://proxy.example/get?url={w.url}")
    return simple(folder, sha256=OTHER_SHA, image_url=within)


@layout("all")
def an_address_among_words(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, text=texts(lambda w: f"[a cat]({w.url}), seen today"))


@layout("all")
def the_address_in_a_pictures_path(folder: Path) -> Path:
    structs = [{"bytes": NOISE, "path": w.url} for w in works()]
    return simple(folder, image=pa.array(structs), label=ints())


@layout("all")
def a_few_addresses_among_captions(folder: Path) -> Path:
    few = texts(lambda w: w.url if w.number == RESERVED[0] else f"cat {w.number}")
    rest = texts(lambda w: w.sha256 if w.number in RESERVED[1:] else None)
    return simple(folder, url=ELSEWHERE, caption=few, note=rest)


@layout("all")
def a_digest_by_any_name(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, checksum=SHA256)


@layout("all")
def md5_named_hash(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, hash=MD5)


@layout("partly")
def md5_in_a_column_of_image_hashes(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, image_hash=MD5)


@layout("all")
def fingerprints_by_other_names(folder: Path) -> Path:
    half = [v if n % 2 else None for n, v in enumerate(PHASH.to_pylist())]
    rest = [None if n % 2 else v for n, v in enumerate(PHASH.to_pylist())]
    return simple(folder, url=ELSEWHERE, p_hash=pa.array(half), perceptualHash=pa.array(rest))


@layout("all")
def fingerprints_without_a_name(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, code=PHASH)


@layout("all")
def a_digest_of_the_address(folder: Path) -> Path:
    url_md5 = texts(lambda w: f"{w.number:032x}")
    return simple(folder, url=URL, url_md5=url_md5)


@layout("refused")
def a_digest_of_the_address_alone(folder: Path) -> Path:
    return simple(folder, url_md5=texts(lambda w: f"{w.number:032x}"), caption=WORDS)


# ---- keys in a form that is not read


@layout("all")
def lists_that_are_empty_at_first(folder: Path) -> Path:
    lists = pa.array([[] for _ in range(25)] + [[w.url] for w in works()[25:]])
    return simple(folder, url=texts(lambda w: w.url if w.number < 25 else w.page), images=lists)


@layout("all")
def one_address_among_many_fields(folder: Path) -> Path:
    fields = [{"url": w.url, **dict.fromkeys("abcd", "words")} for w in works()]
    return simple(folder, info=pa.array(fields), sha256=OTHER_SHA)


@layout("partly")
def maps(folder: Path) -> Path:
    kind = pa.map_(pa.string(), pa.string())
    info = pa.array([[("src", w.url), ("alt", "words")] for w in works()], kind)
    return simple(folder, info=info, url=ELSEWHERE)


@layout("partly")
def json_as_text(folder: Path) -> Path:
    meta = texts(lambda w: json.dumps({"a": {"url": w.url}}))
    return simple(folder, meta=meta, sha256=OTHER_SHA)


@layout("partly")
def digests_in_json(folder: Path) -> Path:
    return simple(folder, meta=texts(lambda w: json.dumps([w.sha256])), url=ELSEWHERE)


@layout("partly")
def pages_as_text(folder: Path) -> Path:
    html = texts(lambda w: f"<p>words <img alt=x src='{w.url}'>")
    return simple(folder, html=html, url=ELSEWHERE)


@layout("partly")
def markdown(folder: Path) -> Path:
    return simple(folder, text=texts(lambda w: f"words ![cat]({w.url})"), url=ELSEWHERE)


@layout("partly")
def pictures_as_base64_for_urls(folder: Path) -> Path:
    encoded = texts(lambda w: base64.urlsafe_b64encode(w.jpeg).decode())
    return simple(folder, data=encoded, url=ELSEWHERE)


@layout("partly")
def pictures_as_wrapped_base64(folder: Path) -> Path:
    encoded = texts(lambda w: base64.encodebytes(b"II*\0" + w.jpeg).decode())
    return simple(folder, data=encoded, url=ELSEWHERE)


@layout("all")
def pictures_as_hex(folder: Path) -> Path:
    return simple(folder, data=texts(lambda w: w.jpeg.hex()), url=ELSEWHERE)


@layout("partly")
def pictures_as_points(folder: Path) -> Path:
    return simple(folder, image=pa.array([[[1, 2], [3, 4]]] * ROWS), url=ELSEWHERE)


@layout("partly")
def files_as_lists_of_bytes(folder: Path) -> Path:
    lists = pa.array([list(w.jpeg[:99]) for w in works()], pa.list_(pa.uint8()))
    return simple(folder, content=lists, url=ELSEWHERE)


@layout("partly")
def pictures_after_other_bytes(folder: Path) -> Path:
    content = pa.array([w.jpeg if w.number > 29 else b"xx" for w in works()])
    return simple(folder, content=content, url=texts(lambda w: w.url if w.number <= 29 else w.page))


@layout("partly")
def two_addresses_in_one_cell(folder: Path) -> Path:
    return simple(folder, url=texts(lambda w: f"https://mirror.example/{w.number}.jpg {w.url}"))


@layout("partly")
def addresses_between_bars(folder: Path) -> Path:
    return simple(folder, url=texts(lambda w: f"https://mirror.example/{w.number}.jpg|{w.url}"))


@layout("partly")
def dhash_after_phash(folder: Path) -> Path:
    dhash = [str(imagehash.dhash(w.image)) for w in works()]
    return simple(folder, phash=pa.array([*PHASH.to_pylist()[:20], *dhash[20:]]))


@layout("partly")
def digests_in_a_list(folder: Path) -> Path:
    return simple(folder, sums=pa.array([[w.md5] for w in works()]), url=ELSEWHERE)


# ---- what looks like keys and is none


@layout("all")
def words_about_addresses(folder: Path) -> Path:
    captions = texts(lambda w: f"more at https://shop.example/{w.number} [see] <b>now</b>")
    boxes = pa.array([[[0.5, 1.5]]] * ROWS)
    vectors = pa.array([[0.25] * 8] * ROWS)
    return simple(folder, url=URL, caption=captions, image_bboxes=boxes, image_embedding=vectors)


def random_hex(seed: int, digits: int) -> pa.Array:
    rng = random.Random(seed)
    return texts(lambda w: f"{rng.getrandbits(4 * digits):0{digits}x}")


@layout("all")
def identifiers_and_numbers(folder: Path) -> Path:
    rng = np.random.default_rng(7)
    return simple(
        folder,
        url=URL,
        key=texts(lambda w: f"{w.number:09d}"),
        hash=pa.array(rng.integers(-(2**63), 2**63, ROWS)),
        id16=random_hex(1, 16),
        id11=texts(lambda w: f"dQw4w9WgX{w.number:02d}"),
        uuid=texts(lambda w: str(UUID(int=w.number))),
        vector=pa.array([rng.bytes(64) for _ in range(ROWS)]),
        tokens=pa.array(rng.integers(0, 50_000, (ROWS, 77)).tolist()),
        boxes=pa.array(rng.random((ROWS, 3, 4)).tolist()),
        ids=pa.array([{"id": v, "n": 1} for v in random_hex(2, 16).to_pylist()]),
        meta=texts(lambda w: json.dumps({"id": random_hex(w.number, 16)[0].as_py(), "w": 640})),
        size=pa.array(rng.integers(100, 4000, ROWS)),
    )


@layout("all")
def what_a_camera_wrote(folder: Path) -> Path:
    exif = texts(lambda w: json.dumps({"Copyright": "https://photographer.example/"}))
    licence = texts(lambda w: "https://licences.example/by/2.0/")
    author = texts(lambda w: f"https://u.example/people/{w.number}")
    return simple(folder, url=URL, exif=exif, license=licence, author_url=author)


@layout("all")
def a_page_that_is_named_and_bare(folder: Path) -> Path:
    return simple(folder, image_url=URL, website=PAGE)


@layout("all")
def a_column_that_is_empty_in_the_first_file(folder: Path) -> Path:
    half = ROWS // 2
    nothing = pa.nulls(half, pa.string())
    parquet(folder / "data/0.parquet", url=URL[:half], extra=nothing)
    parquet(folder / "data/1.parquet", url=ELSEWHERE[half:], extra=URL[half:])
    return folder / "data"


@layout("partly")
def pixels_as_numbers_beside_an_address(folder: Path) -> Path:
    numbers = [[(n * row) % 256 for n in range(300)] for row in range(1, ROWS + 1)]
    return simple(folder, url=ELSEWHERE, image=pa.array(numbers, pa.list_(pa.int64())))
