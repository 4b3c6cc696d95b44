"""Etsy: pictures of listings.

What: a picture in several sizes, which its name begins with.

Grammar: `//i.etsystatic.com/SHOP/r/il/HASH/NUMBER/il_SIZE.NUMBER_CODE.EXT`, formerly
`//imgN.etsystatic.com/.../il_SIZE.NUMBER[_CODE].EXT`. SIZE is `WIDTHxN`, `WIDTHxHEIGHT` or
`fullxfull`.

Ambiguities: `/c/W/H/X/Y/` in the place of `/r/` is a region that the seller chose.

Decision: key is the address with `fullxfull`. Regions are left alone, and other kinds of
pictures (`isla_`, `iusa_`: shops and people).

Source: https://developers.etsy.com/documentation/reference/ (ListingImage); Image Max URL, its
rule for `etsystatic.com`.
"""

from __future__ import annotations

import re

HOST = r"i(?:mg[0-9]+)?\.etsystatic\.com"
HINT = rf"^//{HOST}/.*/il_"

_PICTURE = re.compile(
    r"(//i\.etsystatic\.com/[0-9]+/r/il/[0-9a-f]+/[0-9]+/il_|//img[0-9]+\.etsystatic\.com/[0-9/]+/il_)"
    r"(?:[0-9]+x(?:[0-9]+|N)|fullxfull)(\.[0-9]+(?:_[0-9a-z]+)?\.[a-z]+)"
)


def picture(key: str) -> str | None:
    """Return the picture in full size."""
    found = _PICTURE.fullmatch(key)
    return f"{found[1]}fullxfull{found[2]}" if found else None
