"""Shopify: pictures of shops.

What: a file, scaled by a suffix of its name or by its query.

Grammar: `//cdn.shopify.com/s/files/...` or `//SHOP/cdn/shop/...`, then
`NAME[_SIZE][_crop_PLACE][@2x][.progressive].EXT[?v=TIME&width=&height=&crop=&format=&pad_color=]`.
SIZE is a word (`pico`, `icon`, `thumb`, `small`, `compact`, `medium`, `large`, `grande`,
`original`, `master`), `WIDTHxHEIGHT`, `WIDTHx` or `xHEIGHT`.

Ambiguities: a shop may have uploaded `sizes_small.jpg`, and banners as `sale_300x250.jpg` and
`sale_728x90.jpg`. `crop=region` is a region. `v` is the time of the file, which may be replaced
under its name.

Decision: key is the file without size; `v` stays. Words are read as sizes in the folders
`products`, `collections` and `articles`, and are a part of the name in `files`, where shops put
what they like. Sizes of the IAB's display advertisements and unknown parameters are left alone.
The two hosts of a shop are not joined.

Source: https://shopify.dev/docs/api/liquid/filters/image_url and `img_url`; Image Max URL, its
rule for `shopify.com`.
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import ADVERTISEMENTS, has_only, value_of, without_parameters

_WORDS = "pico|icon|thumb|small|compact|medium|large|grande|original|master"
HINT = (
    r"(?:^//cdn\.shopify\.com/s/files/|^//[^/]+/cdn/shop/).*"
    rf"(?:_(?:{_WORDS}|[0-9]+x|x[0-9])|\.progressive\.|[?&](?:width|height|crop|format|pad_color)=)"
)

_SUFFIX = re.compile(
    rf"(?:_(?:({_WORDS})|([0-9]+x[0-9]*)|x[0-9]+))?(?:_crop_(?:center|top|bottom|left|right))?"
    r"(?:@[23]x)?(?:\.progressive)?(\.(?i:jpe?g|png|gif|webp|avif|heic))\Z"
)
_SUFFIX_LENGTH = 60
_MARKS = ("/s/files/", "/cdn/shop/")
_FOLDER = re.compile(r"//(?:cdn\.shopify\.com/s/files|[^/?]+/cdn/shop)/")
# Folders that Shopify fills; in `files`, a shop names its files itself.
_SHOP = re.compile(r"/(?:products|collections|articles)/[^/]+\Z")
_SCALING = frozenset({"width", "height", "crop", "format", "pad_color", "quality"})
_CROPS = (None, "center", "top", "bottom", "left", "right")


def picture(key: str) -> str | None:
    """Return the file without size."""
    found = _FOLDER.match(key) if _MARKS[0] in key or _MARKS[1] in key else None
    head, _, query = key.partition("?")
    if (
        found is None
        or not has_only(query, _SCALING | {"v"})
        or value_of(query, "crop") not in _CROPS
    ):
        return None
    return _file(head) + without_parameters(query, _SCALING)


def _file(head: str) -> str:
    found = _SUFFIX.search(head, max(len(head) - _SUFFIX_LENGTH, head.rfind("/") + 2))
    if found is None or found[2] in ADVERTISEMENTS or (found[1] and not _SHOP.search(head)):
        return head
    return head[: found.start()] + found[3]
