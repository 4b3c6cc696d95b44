"""Gives the columns of a dataset their roles (pure).

Each column is recognised by its name, its type and a sample of its values; several may
have the same role. A column that only looks like a hash of the picture is left out, with
the reason. A column with keys of the picture in a form that is not read makes its rows
unchecked: a wrong guess would report "nothing found" where nothing was compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from registry.checking.address_columns import (
    MIN_SHARE,
    OF_PICTURE,
    addresses,
    meant_by,
    share_of_addresses,
)
from registry.checking.complete import NOT_READ, OTHER_ALGORITHM
from registry.checking.hash_family import ENOUGH, sample_passes
from registry.checking.hash_forms import are_fingerprints
from registry.errors import UnreadableDataset, UsageError
from registry.evidence.carriers import is_still_image

Role = Literal["url", "page_url", "source_url", "sha256", "md5", "phash64", "image"]
ROLES: tuple[Role, ...] = get_args(Role)
# Role for --column: leave the column out.
IGNORE = "ignore"
Kind = Literal["string", "binary", "picture", "nested", "other"]

IMAGES = frozenset(
    {"image", "jpg", "jpeg", "png", "webp", "img", "picture", "image_bytes", "bytes"}
)
# Parts of the names of hash columns, by role: COYO-700M, WAON, our own columns, ...
HASHES: Mapping[Role, tuple[str, ...]] = {
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
# Metadata of cameras and programs: the URLs in it are those of their makers.
OF_MAKERS = frozenset({"exif"})
HEX_LENGTH: Mapping[Role, int] = {"sha256": 64, "md5": 32, "phash64": 16}
HEX = re.compile(r"[0-9a-fA-F]+")
# Starts of JPEG, PNG, GIF and WebP files as text: a data URI or base64.
ENCODED = ("data:image/", "/9j/", "iVBORw0KGgo", "R0lGOD", "UklGR")
NO_PHASH = "its bits do NOT look like imagehash.phash"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the dataset describes it.

    `kind` is `string`, `binary`, `picture` (a struct of bytes and path), `nested`
    (a list, a map, another struct) or `other`; `type` is the name of the type, for
    messages. `sample` holds the first values that are not null, as str (bytes as hex);
    for a nested column, the texts and bytes within its values.
    """

    name: str
    kind: Kind
    type: str
    sample: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A column, its role (None: left out) and the reason for it.

    `doubt` is the reason why a row with a value here cannot be clear, or None. `by_hand`:
    the user gave the role, so the values are trusted to fit it.
    """

    column: str
    role: Role | None
    why: str
    doubt: str | None = None
    by_hand: bool = False


Addressed = Literal["any", "page", "picture"]


@dataclass(frozen=True, slots=True)
class Other:
    """A column without a role whose values may contain keys.

    Its URLs are looked up as URLs of pictures. `addressed`: `any`, they may also be those
    of the row's own picture and page; `page`, of its page; `picture`, neither. `by_forms`:
    a value with keys in a form that is not read makes its row unchecked.
    """

    column: str
    addressed: Addressed = "any"
    by_forms: bool = True


@dataclass(frozen=True, slots=True)
class Columns:
    """The plan of a check: the relevant columns with their roles, in the dataset's order."""

    choices: tuple[Choice, ...]
    others: tuple[Other, ...] = ()

    def of(self, role: Role) -> tuple[Choice, ...]:
        """Return the columns with this role."""
        return tuple(choice for choice in self.choices if choice.role == role)

    @property
    def read(self) -> tuple[str, ...]:
        """Names of the columns that a check reads."""
        chosen = (c.column for c in self.choices if c.role or c.doubt)
        return tuple(dict.fromkeys([*chosen, *(other.column for other in self.others)]))


def choose(
    columns: Sequence[Column], overrides: Mapping[str, Sequence[str]] | None = None
) -> Columns:
    """Return the plan: the columns with their roles.

    `overrides` (role or `ignore` to column names) have priority. Raises UsageError for an
    override with an unknown or unfit column, and UnreadableDataset, with the list of
    columns, if no column clearly names the pictures.
    """
    overrides = overrides or {}
    by_hand = {name: role for role, names in overrides.items() for name in names}
    chosen = {name: _override(columns, role, name) for name, role in by_hand.items()}
    texts = {c.name: c.sample for c in columns if c.kind == "string" and c.name not in chosen}
    for name, use in addresses(texts, pictures_named="url" in overrides).items():
        chosen[name] = Choice(name, use.role, use.why)
    has_mime = any(column.name == "mime_type" for column in columns)
    judged = [chosen.get(column.name) or _judged(column, has_mime) for column in columns]
    choices = tuple(choice for choice in judged if choice)
    plan = Columns(choices, tuple(_others(columns, choices, by_hand)))
    if not any(plan.of(role) for role in ROLES if role not in ("page_url", "source_url")):
        _refuse_unless_by_hand(columns, plan, by_hand)
    return plan


def _others(
    columns: Sequence[Column], choices: Sequence[Choice], by_hand: Mapping[str, str]
) -> Iterator[Other]:
    """Yield the columns without a role that may hold keys of pictures."""
    served = {choice.column for choice in choices if choice.role}
    for column in columns:
        if column.name in served or column.name in by_hand or column.kind == "other":
            continue
        yield Other(column.name, _addressed(column.name), column.name.lower() not in OF_MAKERS)


def _addressed(name: str) -> Addressed:
    meant = meant_by(name)
    if meant in ("licence", "person"):
        return "picture"
    return "page" if meant == "page" else "any"


def _override(columns: Sequence[Column], role: str, name: str) -> Choice:
    column = next((column for column in columns if column.name == name), None)
    if column is None:
        raise UsageError(
            f"--column {role}={name}: the dataset has no such column",
            "columns: " + ", ".join(column.name for column in columns),
        )
    if role == IGNORE:
        return Choice(name, None, "left out with --column")
    served = next(known for known in ROLES if known == role)
    if not _type_fits(column, served):
        raise UsageError(
            f"--column {role}={name}: a column of type {column.type} cannot have this role",
            "URLs, sha256, md5 and phash64 are strings; sha256 and md5 may be binary; "
            "image is binary or a struct of bytes and path",
        )
    return Choice(name, served, "named with --column" + _warning(column, served), by_hand=True)


def _warning(column: Column, role: Role) -> str:
    """Return a warning if the values do not fit a role that the user gave; else ""."""
    if role == "phash64" and not sample_passes(_codes(column)):
        return f"; {NO_PHASH}"
    if role == "url" and column.sample and not any(map(OF_PICTURE.fullmatch, column.sample)):
        return "; its values do not look like image URLs"
    return ""


def _refuse_unless_by_hand(
    columns: Sequence[Column], plan: Columns, by_hand: Mapping[str, str]
) -> None:
    """Raise UnreadableDataset, unless the user gave a column its role."""
    if any(choice.role and choice.column in by_hand for choice in plan.choices):
        return
    if unclear := plan.of("source_url"):
        raise UnreadableDataset(
            "no column clearly holds image URLs; columns with URLs: "
            + ", ".join(choice.column for choice in unclear),
            f"if one of them does, use --column url={unclear[0].column}",
        )
    if pages := plan.of("page_url"):
        raise UnreadableDataset(
            "only URLs of pages were found, none of images: "
            + ", ".join(choice.column for choice in pages),
            f"to look up only the pages, use --column page_url={pages[0].column}",
        )
    raise UnreadableDataset(
        "no usable column among: " + ", ".join(f"{c.name} ({c.type})" for c in columns),
        "needed: an image URL, sha256, md5, 16-hex phash or image column; "
        "if the dataset has one, use --column url=NAME",
    )


def _judged(column: Column, has_mime: bool) -> Choice | None:
    """Return the role of a column without URLs, or None if it holds no keys."""
    name = column.name.lower()
    if name in LOOK_ALIKES:
        return Choice(column.name, None, LOOK_ALIKES[name])
    if why := _why_pictures(column):
        return Choice(column.name, "image", why)
    if why := _why_not_read(column):
        return Choice(column.name, None, why, NOT_READ)
    if role := _named_hash(name):
        return _hash(column, role)
    if why := _why_numbers(column):
        return Choice(column.name, None, why, NOT_READ)
    return _plain_hash(column, has_mime) if name == "hash" else _unnamed_phash(column)


def _named_hash(name: str) -> Role | None:
    """Return the role of a column named like a hash of a picture (`pHash`, `p_hash`), or None."""
    if OF_OTHERS.intersection(re.split(r"[^a-z0-9]+", name)):
        return None
    letters = re.sub(r"[^a-z0-9]", "", name)
    roles = (role for role, parts in HASHES.items() if any(part in letters for part in parts))
    return next(roles, None)


def _unnamed_phash(column: Column) -> Choice | None:
    """Return a column of 16 hex digits as phash64 if its values look like fingerprints."""
    codes = _codes(column) if column.kind == "string" else []
    if len(codes) < max(ENOUGH, MIN_SHARE * len(column.sample)) or not sample_passes(codes):
        return None
    return Choice(column.name, "phash64", "its bits are balanced like those of imagehash.phash")


def _why_numbers(column: Column) -> str:
    """Return that a column of numbers holds fingerprints, which are not read, or ""."""
    if column.kind != "other" or column.type not in ("int64", "uint64") or not column.sample:
        return ""
    codes = np.array([int(number) % (1 << 64) for number in column.sample], np.uint64)
    balanced = are_fingerprints(codes)
    return f"{column.type}: fingerprints as numbers are not read" if balanced else ""


def _hash(column: Column, role: Role) -> Choice:
    """Return the role of a column named like a hash; None with a doubt if it does not fit."""
    if column.type == "null":
        return Choice(column.name, None, "it is empty")
    if not _type_fits(column, role):
        return Choice(column.name, None, f"{column.type}: its type does not fit its name", NOT_READ)
    if column.sample and not _hexes(column, HEX_LENGTH[role]):
        return Choice(column.name, None, f"{column.type}: its values do not fit its name", NOT_READ)
    if role != "phash64":
        return Choice(column.name, role, "by its name")
    if not sample_passes(_codes(column)):
        return Choice(column.name, role, f"by its name; {NO_PHASH}", OTHER_ALGORITHM)
    like = "its bits are balanced like those of imagehash.phash" if column.sample else "no sample"
    return Choice(column.name, role, f"by its name; {like}")


def _plain_hash(column: Column, has_mime: bool) -> Choice | None:
    if column.type == "int64":
        why = "int64: a hash of url and text in LAION sets, not of the image"
        return Choice(column.name, None, why)
    if has_mime and _type_fits(column, "md5") and _hexes(column, HEX_LENGTH["md5"]):
        return Choice(column.name, "md5", "32 hex beside mime_type: md5 of the file")
    return _unnamed_phash(column)


def _why_pictures(column: Column) -> str:
    """Return how a column is recognised as pictures, or "" if it is not."""
    if column.kind == "picture":
        return "struct of bytes and path"
    if column.kind != "binary":
        return ""
    name = column.name.lower()
    if name in IMAGES or IMAGES.intersection(re.split(r"[^a-z]+", name)):
        return "by its name"
    return "its values begin like image files" if _share(column, _is_picture) > MIN_SHARE else ""


def _why_not_read(column: Column) -> str:
    """Return the form of a column's keys or pictures if that form is not read, or ""."""
    if column.kind == "string":
        encoded = _share(column, _is_encoded) > MIN_SHARE
        return "pictures as base64 text are not read" if encoded else ""
    if column.kind != "nested":
        return ""
    held = share_of_addresses(column.sample) > MIN_SHARE or any(
        _is_picture(value) or _is_encoded(value) for value in column.sample
    )
    return f"{column.type}: URLs or pictures in a form that is not read" if held else ""


def _is_picture(value: str) -> bool:
    """Return whether a value, given as hex, begins like an image file."""
    try:
        return is_still_image(bytes.fromhex(value[:32]))
    except ValueError:
        return False


def _is_encoded(value: str) -> bool:
    return value.startswith(ENCODED)


def _share(column: Column, holds: Callable[[str], bool]) -> float:
    return sum(map(holds, column.sample)) / max(len(column.sample), 1)


def _type_fits(column: Column, role: Role) -> bool:
    if role == "image":
        return column.kind in ("binary", "picture")
    return column.kind == "string" or (role in ("sha256", "md5") and column.kind == "binary")


def _hexes(column: Column, length: int) -> bool:
    return any(len(value) == length and HEX.fullmatch(value) for value in column.sample)


def _codes(column: Column) -> list[int]:
    return [int(v, 16) for v in column.sample if len(v) == 16 and HEX.fullmatch(v)]
