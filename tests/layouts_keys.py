"""Layouts of datasets of 40 rows, with known truth: addresses and hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import imagehash
import pyarrow as pa
from layout_parts import (
    ELSEWHERE,
    MD5,
    PAGE,
    PHASH,
    PLAIN,
    ROWS,
    SHA256,
    URL,
    WORDS,
    ints,
    layout,
    parquet,
    simple,
    texts,
    works,
)

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


@layout("all")
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
