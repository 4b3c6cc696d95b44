"""Pixiv: pages of illustrations.

What: the original, and JPEG files in several sizes.

Grammar: `//i.pximg.net/[c/OPTIONS/] (img-original|img-master|custom-thumb)/img/`, then
`YYYY/MM/DD/hh/mm/ss/NUMBER[-HASH]_pPAGE[_(master|square|custom)1200].EXT`, also on
`i-f.pximg.net` and `iN.pixiv.net`. The time is that of the upload or of its last change.

Ambiguities: the original may be PNG or GIF. Each page is a picture. `custom-thumb` is a square
that the artist chose. Animations (`ugoira`) have frames.

Decision: key is `//i.pximg.net/img-original/img/TIME/NUMBER[-HASH]_pPAGE`, without ending.
Addresses without a page (animations, the years before 2014) are left alone.

Source: gallery-dl, `extractor/pixiv.py`; Danbooru, `source/url/pixiv.rb`; Image Max URL, its
rule for `pximg.net`.
"""

from __future__ import annotations

import re

HOST = r"i(?:-[a-z]+|[0-9]+)?\.(?:pximg|pixiv)\.net"
HINT = rf"^//{HOST}/(?:c/[^/]+/)?(?:img-|custom-)"

_PICTURE = re.compile(
    rf"//{HOST}/(?:c/[^/?]+/)?"
    r"(?:img-original|img-master|custom-thumb)(/img/[0-9]{4}/(?:[0-9]{2}/){5}"
    r"[0-9]+(?:-[0-9a-f]+)?_p[0-9]+)(?:_(?:master|square|custom)1200)?\.(?:jpe?g|png|gif|webp)"
)


def picture(key: str) -> str | None:
    """Return the original, without ending."""
    found = _PICTURE.fullmatch(key)
    return f"//i.pximg.net/img-original{found[1]}" if found else None
