"""Gives the columns of a dataset their roles (pure).

Several columns may have the same role. A column that only looks like a hash of the picture
is left out, with the reason. A column with keys of the picture in a form that is not read
makes its rows unchecked: a wrong guess would report "nothing found" where nothing was
compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from registry.checking.address_columns import (
    MIN_SHARE,
    OF_PICTURE,
    addresses,
    meant_by,
    share_of_addresses,
)
from registry.checking.column_roles import HASHES, NO_PHASH, codes, hexes, judged, type_fits
from registry.checking.columns import (
    ADDRESS_ROLES,
    IGNORE,
    ROLES,
    Addressed,
    Choice,
    Column,
    Columns,
    Other,
    Role,
    roles_by_column,
)
from registry.checking.hash_family import sample_passes
from registry.datasets.layouts import Layout
from registry.errors import UnreadableDataset, UsageError
from registry.model import DIGESTS

# Metadata of cameras and programs: the URLs in it are those of their makers.
OF_MAKERS = frozenset({"exif"})


def choose(
    columns: Sequence[Column],
    overrides: Mapping[str, Sequence[str]] | None = None,
    layout: Layout | None = None,
) -> Columns:
    """Return the plan: the columns with their roles.

    `overrides` (role or `ignore` to column names) have priority, then the roles of a known
    layout, if the values fit them. Raises UsageError for an
    override with an unknown or unfit column, and UnreadableDataset, with the list of
    columns, if no column clearly names the pictures.
    """
    overrides = overrides or {}
    by_hand = roles_by_column(overrides)
    chosen = {name: _override(columns, role, name, layout) for name, role in by_hand.items()}
    if layout:
        chosen = {**dict(_of_layout(columns, layout)), **chosen}
    texts = {c.name: c.sample for c in columns if c.kind == "string" and c.name not in chosen}
    named = any(choice.role == "url" for choice in chosen.values())
    for name, use in addresses(texts, pictures_named=named).items():
        chosen[name] = Choice(name, use.role, use.why)
    has_mime = any(column.name == "mime_type" for column in columns)
    roles = [chosen.get(column.name) or judged(column, has_mime) for column in columns]
    choices = tuple(choice for choice in roles if choice)
    about = frozenset(layout.ignored if layout else ())
    plan = Columns(choices, tuple(_others(columns, choices, by_hand, about)))
    if not any(plan.of(role) for role in ROLES if role not in ("page_url", "source_url")):
        _refuse_unless_by_hand(columns, plan, by_hand)
    return plan


def _of_layout(columns: Sequence[Column], layout: Layout) -> Iterator[tuple[str, Choice]]:
    """Yield the columns of which a layout says the role, or that they have none."""
    for column in columns:
        if column.name in layout.ignored:
            yield column.name, Choice(column.name, None, layout.ignored[column.name])
        role = next((role for role in ROLES if role == layout.roles.get(column.name)), None)
        urls = role in ADDRESS_ROLES and share_of_addresses(column.sample) > MIN_SHARE
        if role and (urls or (role in DIGESTS and hexes(column, role))):
            yield column.name, Choice(column.name, role, f"as in {layout.name}")


def fits(columns: Sequence[Column], layout: Layout) -> bool:
    """Return whether the columns of URLs of a layout hold URLs, as far as a sample shows."""
    samples = {column.name: column.sample for column in columns}
    of_urls = [samples.get(name, ()) for name, role in layout.roles.items() if role == "url"]
    return all(not sample or share_of_addresses(sample) > MIN_SHARE for sample in of_urls)


def _others(
    columns: Sequence[Column],
    choices: Sequence[Choice],
    by_hand: Mapping[str, str],
    about: frozenset[str],
) -> Iterator[Other]:
    """Yield the columns without a role that may hold keys of pictures.

    Those in `about` describe the picture or its page, in whatever form.
    """
    served = {choice.column for choice in choices if choice.role}
    for column in columns:
        if column.name in served or column.name in by_hand or column.kind == "other":
            continue
        if column.name in about:
            yield Other(column.name, "picture", by_forms=False)
            continue
        by_makers = not OF_MAKERS.isdisjoint(column.name.lower().split("."))
        yield Other(column.name, _addressed(column.name), by_forms=not by_makers)


def _addressed(name: str) -> Addressed:
    meant = meant_by(name)
    if meant in ("licence", "person"):
        return "picture"
    return "page" if meant == "page" else "any"


def _override(columns: Sequence[Column], role: str, name: str, layout: Layout | None) -> Choice:
    column = next((column for column in columns if column.name == name), None)
    if column is None:
        raise UsageError(
            f"--column {role}={name}: the dataset has no such column",
            "columns: " + ", ".join(column.name for column in columns),
        )
    if role == IGNORE:
        return Choice(name, None, "left out with --column")
    served = next(known for known in ROLES if known == role)
    if layout and name in layout.ignored:
        raise UsageError(
            f"--column {role}={name}: in {layout.name} this column is {layout.ignored[name]}",
            "leave this option out",
        )
    if not type_fits(column, served):
        raise UsageError(
            f"--column {role}={name}: a column of type {column.type} cannot have this role",
            "URLs, sha256, md5 and phash64 are strings; sha256 and md5 may be binary; "
            "image is binary or a struct of bytes and path",
        )
    return Choice(name, served, "named with --column" + _warning(column, served), by_hand=True)


def _warning(column: Column, role: Role) -> str:
    """Return a warning if the values do not fit a role that the user gave; else ""."""
    if role == "phash64" and not sample_passes(codes(column)):
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
        f"if the dataset has one, name it: {_example(columns)}",
    )


def _example(columns: Sequence[Column]) -> str:
    """Return an option that may be meant, by the length of the values of a column."""
    texts = [column for column in columns if column.kind == "string"]
    fitting = (
        f"--column {role}={one.name}" for one in texts for role in HASHES if hexes(one, role)
    )
    return next(fitting, "--column url=NAME (or sha256=NAME, ...)")
