"""Contentful: pictures of its Images API.

What: an asset, scaled by its query.

Grammar: `//images[.eu].ctfassets.net/SPACE/ASSET/TOKEN/NAME[?w=&h=&fit=&f=&q=&fm=&fl=&bg=&r=]`,
formerly `//images.contentful.com/...`.

Ambiguities: none known: `f` is where a crop is centred, not a region.

Decision: key is the asset without query. Another parameter leaves it alone. The hosts are not
joined.

Source: https://www.contentful.com/developers/docs/references/images-api/.
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import without_query

HOST = r"images\.(?:(?:eu\.)?ctfassets\.net|contentful\.com)"
HINT = rf"^//{HOST}/.*\?"

_PICTURE = re.compile(rf"//{HOST}/[^/?]+/[^?]+\?.*", re.DOTALL)
_NAMES = frozenset({"w", "h", "fit", "f", "q", "fm", "fl", "bg", "r"})


def picture(key: str) -> str | None:
    """Return the asset without query."""
    return without_query(key, _NAMES) if _PICTURE.fullmatch(key) else None
