"""Which column of a dataset serves as what (pure).

Columns are recognised by name, type and a sample of their values. A column
that only looks like a hash of the picture is left out with the reason: a
wrong guess would report nothing found where nothing was compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from registry.errors import UnreadableDataset, UsageError

Role = Literal["url", "sha256", "md5", "phash64", "image"]
ROLES: tuple[Role, ...] = get_args(Role)

NAMES: Mapping[Role, tuple[str, ...]] = {
    "url": ("image_url", "img_url", "imageurl", "image_link", "contenturl", "url", "src", "link"),
    "sha256": ("sha256", "image_sha256", "file_sha256", "sha256sum", "sha_256"),
    "md5": ("md5", "image_md5", "file_md5", "md5sum"),
    # COYO-700M, COYO-Labeled-300M, WAON and our own import columns
    "phash64": ("phash64", "image_phash", "imagehash", "phash", "perceptual_hash"),
    "image": ("image", "jpg", "jpeg", "png", "webp", "img", "picture", "image_bytes", "bytes"),
}
LOOK_ALIKES = {
    "page_url": "the page's address, not the image's",
    "uid": "an identifier, not a hash of the file",
    "user_name": "a digest of a person's name",
    "blurhash": "a placeholder, not a fingerprint",
    "blur_hash": "a placeholder, not a fingerprint",
}
HEX_LENGTH = {"sha256": 64, "md5": 32, "phash64": 16}
MIN_SHARE = 0.3  # of a sample that must look like image addresses, when no name says so
HEX = re.compile(r"[0-9a-fA-F]+")
IMAGE_URL = re.compile(r"https?://[^\s]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the dataset describes it.

    `kind` is `string`, `binary`, `picture` (a struct of bytes and path) or
    `other`; `type` is the type's own name, for messages. `sample` holds the
    first values that are not null, as str (bytes as hex).
    """

    name: str
    kind: Literal["string", "binary", "picture", "other"]
    type: str
    sample: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One column and the role it was given (or None: left out), with the reason."""

    column: str
    role: Role | None
    why: str


@dataclass(frozen=True, slots=True)
class Columns:
    """The plan: at most one column per role, and what was said of the others."""

    by_role: Mapping[Role, str]
    choices: tuple[Choice, ...]


def choose(columns: Sequence[Column], overrides: Mapping[Role, str] | None = None) -> Columns:
    """Give columns their roles.

    `overrides` (role to column name) come first. Raises UsageError for an
    override that names no column, UnreadableDataset when no column is usable;
    its message lists the columns seen.
    """
    chosen = [_override(columns, role, name) for role, name in (overrides or {}).items()]
    for role in ROLES:
        if all(choice.role != role for choice in chosen):
            chosen.extend(_recognise(columns, role, {c.column for c in chosen}))
    if not chosen:
        raise UnreadableDataset(
            "no usable column among: " + ", ".join(f"{c.name} ({c.type})" for c in columns),
            "needed: an image URL, sha256, md5, 16-hex phash or image column; "
            "name one with --column url=NAME",
        )
    taken = {choice.column for choice in chosen}
    served = {choice.role for choice in chosen}
    ignored = [_look_alike(column, served) for column in columns if column.name not in taken]
    return Columns(
        {choice.role: choice.column for choice in chosen if choice.role},
        tuple(chosen + [choice for choice in ignored if choice]),
    )


def _override(columns: Sequence[Column], role: Role, name: str) -> Choice:
    found = next((column for column in columns if column.name == name), None)
    if found is None:
        raise UsageError(
            f"--column {role}={name}: the dataset has no such column",
            "columns: " + ", ".join(column.name for column in columns),
        )
    if not _type_fits(found, role):
        raise UsageError(
            f"--column {role}={name}: a column of type {found.type} cannot serve as {role}",
            "url, sha256, md5 and phash64 are strings; sha256 and md5 may be binary; image is "
            "binary or a struct of bytes and path",
        )
    return Choice(name, role, "named with --column")


def _recognise(columns: Sequence[Column], role: Role, taken: set[str]) -> list[Choice]:
    # Of two that differ in case only, the one spelled as usual goes first.
    free = sorted(
        (column for column in columns if column.name not in taken),
        key=lambda column: column.name != column.name.lower(),
    )
    for name in NAMES[role]:
        for column in free:
            if (
                column.name.lower() == name
                and _type_fits(column, role)
                and _values_fit(column, role)
            ):
                return [Choice(column.name, role, _why(column, role))]
    return _by_content(free, role)


def _by_content(free: Sequence[Column], role: Role) -> list[Choice]:
    if role == "image":
        for column in free:
            if column.kind == "picture":
                return [Choice(column.name, role, "struct of bytes and path")]
    if role == "md5" and any(column.name == "mime_type" for column in free):
        for column in free:
            if column.name == "hash" and _values_fit(column, role):
                return [Choice(column.name, role, "32 hex beside mime_type: md5 of the file")]
    if role == "url":
        for column in free:
            share = _share(column, IMAGE_URL)
            if column.name.lower() not in LOOK_ALIKES and share > MIN_SHARE:
                return [Choice(column.name, role, f"{share:.0%} of a sample are URLs")]
    return []


def _type_fits(column: Column, role: Role) -> bool:
    if role == "image":
        return column.kind in ("binary", "picture")
    return column.kind == "string" or (role in ("sha256", "md5") and column.kind == "binary")


def _values_fit(column: Column, role: Role) -> bool:
    length = HEX_LENGTH.get(role)
    if length is None or not column.sample:
        return True
    return any(len(value) == length and HEX.fullmatch(value) for value in column.sample)


def _why(column: Column, role: Role) -> str:
    if role != "phash64":
        return "by its name"
    return f"by its name; {_phash_family(column.sample)}"


def _phash_family(sample: Sequence[str]) -> str:
    """Say whether 16-hex values look like imagehash's phash.

    imagehash compares 64 coefficients with their median, so nearly always 32
    bits are set, and the first (the mean brightness) is 1.
    """
    codes = [int(v, 16) for v in sample if len(v) == 16 and HEX.fullmatch(v)]
    balanced = sum(31 <= code.bit_count() <= 33 and code >> 63 == 1 for code in codes)
    if codes and balanced >= 0.9 * len(codes):
        return "its bits are balanced as those of imagehash.phash are"
    return "its bits do NOT look like imagehash.phash: other algorithms do not match"


def _share(column: Column, pattern: re.Pattern[str]) -> float:
    if column.kind != "string" or not column.sample:
        return 0.0
    return sum(bool(pattern.fullmatch(value)) for value in column.sample) / len(column.sample)


def _look_alike(column: Column, served: set[Role | None]) -> Choice | None:
    name = column.name.lower()
    if name in LOOK_ALIKES:
        return Choice(column.name, None, LOOK_ALIKES[name])
    if name == "hash" and column.type == "int64":
        return Choice(
            column.name, None, "int64: a hash of url and text in LAION sets, not of the image"
        )
    roles = [role for role in ROLES if name in NAMES[role]]
    if not roles:
        return None
    if roles[0] in served and _type_fits(column, roles[0]) and _values_fit(column, roles[0]):
        return Choice(column.name, None, f"another column serves as {roles[0]}")
    return Choice(column.name, None, f"{column.type}: its values do not fit its name")
