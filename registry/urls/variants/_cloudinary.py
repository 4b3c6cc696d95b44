"""The transformations in paths of Cloudinary, which Substack has too.

Source: https://cloudinary.com/documentation/transformation_reference and
https://cloudinary.com/documentation/advanced_url_delivery_options.
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import decoded, inner_key

# Crops that the server chooses; `c_crop` takes a region.
_CROPS = "scale|fit|limit|mfit|fill|lfill|fill_pad|pad|lpad|mpad|thumb|auto|auto_pad"
_OPTION = (
    rf"c_(?:{_CROPS})|[wh]_(?:[0-9.]+|auto(?:[:_][a-z0-9:_]+)?)|ar_[0-9.:]+|dpr_(?:[0-9.]+|auto)"
    r"|g_[a-z_:]+|q_[a-z0-9_:]+|f_[a-z0-9]+|b_[a-z0-9_:]+"
    r"|fl_(?:progressive|lossy|immutable_cache|keep_[a-z]+|strip_profile|force_[a-z]+|awebp"
    r"|apng|any_format|preserve_transparency|png8|attachment)[a-z0-9_:.]*"
    r"|e_(?:sharpen|unsharp_mask)(?::[0-9]+)?"
    # Substack's signature of the options.
    r"|\$s_![^!,/]*!"
)
_OPTIONS = re.compile(rf"(?:{_OPTION})(?:,(?:{_OPTION}))*")
_SIGNATURE = re.compile(r"s--[A-Za-z0-9_-]+--")
_VERSION = re.compile(r"v[0-9]+")
# What may be a transformation, or a folder: `l_logo`, `t_named`, `$width_100`, `my_folder`.
_DOUBTFUL = re.compile(r"\$|[a-z]{1,4}_|[^/]*[,%]")
_REMOTE = re.compile(r"(?<![^/])https?(?::|%3A)", re.IGNORECASE)


def public_id(path: str) -> str | None:
    """Return a path after `/upload/` without signature and sizes, with the version if it has one.

    None if a part before the version is neither a known option nor surely a folder.
    """
    *folders, name = path.split("/")
    at = 0
    if folders and _SIGNATURE.fullmatch(folders[0]):
        at = 1
    while at < len(folders) and not _VERSION.fullmatch(folders[at]):
        if not _is_options(folders[at]):
            break
        at += 1
    rest = folders[at:]
    if rest and not _VERSION.fullmatch(rest[0]) and any(map(_DOUBTFUL.match, rest)):
        return None
    return "/".join([*rest, name])


def remote(path: str) -> str | None:
    """Return the key of the URL in a path after `/fetch/`; None if it is not sure to be whole."""
    found = _REMOTE.search(path)
    if found is None:
        return None
    steps = [step for step in path[: found.start()].split("/") if step]
    if steps and _SIGNATURE.fullmatch(steps[0]):
        del steps[0]
    if not all(_is_options(step) or _VERSION.fullmatch(step) for step in steps):
        return None
    url = path[found.start() :]
    return inner_key(decoded(url) if "%" in found[0] else url)


def _is_options(step: str) -> bool:
    return _OPTIONS.fullmatch(decoded(step) or "") is not None
