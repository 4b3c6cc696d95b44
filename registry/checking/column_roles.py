"""The role of one column, from its name, its type and a sample of its values (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from registry.checking.address_columns import (
    MIN_SHARE,
)
from registry.checking.columns import Choice, Column, Role, own_name
from registry.checking.complete import NOT_READ, OTHER_ALGORITHM
from registry.checking.hash_family import ENOUGH, sample_passes
from registry.checking.hash_forms import are_fingerprints, hash_in
from registry.evidence.carriers import BASE64_STARTS, IMAGE_ENDINGS, is_still_image
from registry.model import HASH_BYTES

HashRole = Literal["sha256", "md5", "phash64"]
IMAGES = frozenset(
    {"image", "jpg", "jpeg", "png", "webp", "img", "picture", "image_bytes", "bytes"}
)
_NAMES = IMAGES | {ending[1:] for ending in IMAGE_ENDINGS}
# Parts of the names of hash columns, by role: COYO-700M, WAON, our own columns, ...
HASHES: Mapping[HashRole, tuple[str, ...]] = {
    "phash64": ("phash", "perceptualhash", "imagehash"),
    "sha256": ("sha256",),
    "md5": ("md5",),
}
# Parts of names of hashes that are not of the picture.
OF_OTHERS = frozenset({"url", "uri", "link", "page", "user", "text", "caption", "title", "key"})
LOOK_ALIKES = {
    "uid": "an identifier, not a hash of the file",
    "user_name": "a digest of a person's name",
    "blurhash": "a placeholder, not a fingerprint",
    "blur_hash": "a placeholder, not a fingerprint",
    **dict.fromkeys(("ahash", "dhash", "whash", "pdq"), "of another algorithm than phash"),
    **dict.fromkeys(("sha1", "sha512", "crc32"), "the registry keeps no such digests"),
}
# The same of JPEG, PNG and GIF files as hex.
HEX_STARTS = tuple(
    mark + start for mark in ("", "0x", "\\x") for start in ("ffd8ff", "89504e47", "47494638")
)
HEX = re.compile(r"[0-9a-fA-F]+")
# Starts of image files as text: a data URI or base64.
ENCODED = ("data:image/", *BASE64_STARTS)
NO_PHASH = "its bits do NOT look like imagehash.phash"


def judged(column: Column, has_mime: bool) -> Choice | None:
    """Return the role of a column without URLs, or None if it holds no keys."""
    name = own_name(column.name.lower())
    if name in LOOK_ALIKES:
        return Choice(column.name, None, LOOK_ALIKES[name])
    if why := _why_pictures(column):
        return Choice(column.name, "image", why)
    if role := _named_hash(name):
        return _hash(column, role)
    if why := _why_numbers(column):
        return Choice(column.name, "phash64", why)
    return _plain_hash(column, has_mime) if name == "hash" else _unnamed_phash(column)


def _named_hash(name: str) -> HashRole | None:
    """Return the role of a column named like a hash of a picture (`pHash`, `p_hash`), or None."""
    if OF_OTHERS.intersection(re.split(r"[^a-z0-9]+", name)):
        return None
    letters = re.sub(r"[^a-z0-9]", "", name)
    roles = (role for role, parts in HASHES.items() if any(part in letters for part in parts))
    return next(roles, None)


def _unnamed_phash(column: Column) -> Choice | None:
    """Return a column of 16 hex digits as phash64 if its values look like fingerprints."""
    values = codes(column) if column.kind == "string" else []
    if len(values) < max(ENOUGH, MIN_SHARE * len(column.sample)) or not sample_passes(values):
        return None
    return Choice(column.name, "phash64", "its bits are balanced like those of imagehash.phash")


def _why_numbers(column: Column) -> str:
    """Return that a column of numbers holds fingerprints, or ""."""
    if column.kind != "other" or column.type not in ("int64", "uint64") or not column.sample:
        return ""
    balanced = are_fingerprints(np.array(codes(column), np.uint64))
    return f"{column.type}: its bits are balanced like those of imagehash.phash" if balanced else ""


def _hash(column: Column, role: HashRole) -> Choice:
    """Return the role of a column named like a hash; None with a doubt if it does not fit."""
    if column.type == "null":
        return Choice(column.name, None, "it is empty")
    if not type_fits(column, role):
        return Choice(column.name, None, f"{column.type}: its type does not fit its name", NOT_READ)
    if role == "phash64" and (joined := _joined(column)):
        return Choice(column.name, role, f"by its name; {joined}", OTHER_ALGORITHM, joined=True)
    if column.sample and column.kind != "other" and not _holds(column, role):
        return Choice(column.name, None, f"{column.type}: its values do not fit its name", NOT_READ)
    return _named_phash(column) if role == "phash64" else Choice(column.name, role, "by its name")


def _named_phash(column: Column) -> Choice:
    role: Role = "phash64"
    if not sample_passes(_named_codes(column)):
        return Choice(column.name, role, f"by its name; {NO_PHASH}", OTHER_ALGORITHM)
    like = "its bits are balanced like those of imagehash.phash" if column.sample else "no sample"
    return Choice(column.name, role, f"by its name; {like}")


def _named_codes(column: Column) -> list[int]:
    """Return the fingerprints in a column that is named so, in any of the forms that are read."""
    if column.kind != "string":
        return codes(column)
    found = (hash_in(value, HASH_BYTES["phash64"]) for value in column.sample)
    return [int.from_bytes(code, "big") for code in found if code]


def _joined(column: Column) -> str:
    """Return that values are several hashes in a row, of one or more pictures, or ""."""
    length = 2 * HASH_BYTES["phash64"]
    hexes = [v for v in column.sample if v and len(v) % length == 0 and HEX.fullmatch(v)]
    if len(hexes) < len(column.sample) or max(map(len, hexes), default=0) <= length:
        return ""
    parts = [int(v[at : at + length], 16) for v in hexes for at in range(0, len(v), length)]
    return "several hashes in a row" if sample_passes(parts) else ""


def _plain_hash(column: Column, has_mime: bool) -> Choice | None:
    if column.type == "int64":
        why = "int64: a hash of url and text in LAION sets, not of the image"
        return Choice(column.name, None, why)
    if has_mime and type_fits(column, "md5") and hexes(column, "md5"):
        return Choice(column.name, "md5", "32 hex beside mime_type: md5 of the file")
    return _unnamed_phash(column)


def _why_pictures(column: Column) -> str:
    """Return how a column is recognised as pictures, or "" if it is not."""
    if column.kind == "picture":
        return "struct of bytes and path"
    if column.kind == "string" and _share(column, _is_encoded) > MIN_SHARE:
        return "pictures as base64 or hex"
    if column.kind != "binary":
        return ""
    name = own_name(column.name.lower())
    if name in _NAMES or _NAMES.intersection(re.split(r"[^a-z]+", name)):
        return "by its name"
    return "its values begin like image files" if _share(column, _is_picture) > MIN_SHARE else ""


def _is_picture(value: str) -> bool:
    """Return whether a value, given as hex, begins like an image file."""
    try:
        return is_still_image(bytes.fromhex(value[:32]))
    except ValueError:
        return False


def _is_encoded(value: str) -> bool:
    return value.startswith(ENCODED) or value.lower().startswith(HEX_STARTS)


def _share(column: Column, holds: Callable[[str], bool]) -> float:
    return sum(map(holds, column.sample)) / max(len(column.sample), 1)


def type_fits(column: Column, role: Role) -> bool:
    """Return whether a column of this type can have a role."""
    if role == "image" and column.kind == "string":
        return not column.sample or any(map(_is_encoded, column.sample))
    if role == "image":
        return column.kind in ("binary", "picture")
    if role == "phash64" and column.type in ("int64", "uint64"):
        return True
    return column.kind == "string" or (role in HASHES and column.kind == "binary")


def hexes(column: Column, role: Role) -> bool:
    """Return whether values of a column's sample are hex of the length of a hash."""
    length = 2 * next((size for name, size in HASH_BYTES.items() if name == role), 0)
    return any(len(value) == length and HEX.fullmatch(value) for value in column.sample)


def _holds(column: Column, role: HashRole) -> bool:
    """Return whether values of a column's sample are hashes in any of the forms that are read."""
    if column.kind == "binary":
        return hexes(column, role)
    return any(hash_in(value, HASH_BYTES[role]) for value in column.sample)


def codes(column: Column) -> list[int]:
    """Return the values of a column's sample that can be a phash64."""
    if column.kind == "other":
        return [int(number) % (1 << 64) for number in column.sample]
    length = 2 * HASH_BYTES["phash64"]
    return [int(v, 16) for v in column.sample if len(v) == length and HEX.fullmatch(v)]
