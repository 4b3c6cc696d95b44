"""Pinterest: pictures of pins.

What: a picture in several widths, named by a hash.

Grammar: `//HOST.pinimg.com/(originals|WIDTHx[HEIGHT][_RS])/AA/BB/CC/HASH.EXT`. HASH has 32
hexadecimal digits and begins with AABBCC.

Ambiguities: sizes are JPEG, the original may be PNG, GIF or WebP.

Decision: key is `//i.pinimg.com/originals/AA/BB/CC/HASH`, without ending. Folders with another
name (`videos`, `upload`) are left alone.

Source: gallery-dl, `extractor/pinterest.py`; Danbooru, `source/url/pinterest.rb`; Image Max URL,
its rule for `pinimg.com`.
"""

from __future__ import annotations

import re

HOST = r"[a-z0-9-]+\.pinimg\.com"
HINT = rf"^//{HOST}/"

_PICTURE = re.compile(
    rf"//{HOST}/(?:originals|[0-9]+x[0-9]*(?:_RS)?)"
    r"(/([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{2})/\2\3\4[0-9a-f]{26})\.(?:jpe?g|png|gif|webp)"
)


def picture(key: str) -> str | None:
    """Return the original, without ending."""
    found = _PICTURE.fullmatch(key)
    return f"//i.pinimg.com/originals{found[1]}" if found else None
