"""Flickr: photos in all sizes.

What: a photo has a number. Each file has a secret, too, and a letter for its size; the original
(`_o`) has another secret than the rest.

Grammar: `//(live|farmN|cN).staticflickr.com/SERVER/NUMBER_SECRET[_SIZE][_d].EXT`, and the older
`//[farmN.]static.flickr.com/...`. SIZE is one of `s q t m n w z c b h k 3k 4k f 5k 6k o`.

Ambiguities: since the secrets differ, the original's address does not follow from another. An
owner may replace a photo and keep its number.

Decision: key is `//live.staticflickr.com/NUMBER`, which is no address. A replaced photo counts
as the same: the owner and the page with the mark are the same.

Source: https://www.flickr.com/services/api/misc.urls.html; Image Max URL, its rule for
`staticflickr.com`.
"""

from __future__ import annotations

import re

HOST = r"(?:(?:live|farm[0-9]+|c[0-9]+)\.staticflickr|(?:farm[0-9]+\.)?static\.flickr)\.com"
HINT = rf"^//{HOST}/"

_PICTURE = re.compile(
    rf"//{HOST}/(?:[0-9]+/){{1,2}}([0-9]+)_[0-9a-f]{{6,}}"
    r"(?:_(?:[sqtmnwzcbhkfo]|[3-6]k))?(?:_d)?"
    r"\.(?:jpg|png|gif)(?:\?zz=[0-9])?"
)


def picture(key: str) -> str | None:
    """Return a key of the photo's number."""
    found = _PICTURE.fullmatch(key)
    return f"//live.staticflickr.com/{found[1]}" if found else None
