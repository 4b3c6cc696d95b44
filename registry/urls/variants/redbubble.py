"""Redbubble: artworks, and products that show them.

What: an artwork has two numbers; what is made of it stands after them.

Grammar: `//ihN.redbubble.net/image.NUMBER.NUMBER/`, then
`[bg,COLOUR-]flat,WIDTHx[HEIGHT],QUALITY,f[-pad,WIDTHxHEIGHT,COLOUR][.uN].EXT`. `flat` is the
artwork itself; other words are photos of products (`raf`, `gpt`, `st`, `fposter`). `uN` is a
version of the artwork.

Ambiguities: a product shows the artwork with a shirt or a wall, and is another picture. `-c,...`
is a region.

Decision: key is `//ihN.redbubble.net/image.NUMBER.NUMBER/flat[.uN]`, for `flat` alone.

Source: addresses on pages of Redbubble; Image Max URL, its rule for `redbubble.net`.
"""

from __future__ import annotations

import re

HOST = r"ih[0-9]\.redbubble\.net"
HINT = rf"^//{HOST}/image\.[^/]*/(?:bg[^/]*)?flat"

_COMMA = "(?:,|%2C)"
_PICTURE = re.compile(
    rf"(//{HOST}/image\.[0-9]+\.[0-9]+/)(?:bg{_COMMA}[0-9a-f]+-)?"
    rf"flat{_COMMA}[0-9]*x[0-9]*{_COMMA}[0-9]+{_COMMA}f"
    rf"(?:-pad{_COMMA}[0-9]*x[0-9]*{_COMMA}[0-9a-f]+)?(\.u[0-9]+)?\.(?:jpe?g|png|webp)"
)


def picture(key: str) -> str | None:
    """Return the artwork without size."""
    found = _PICTURE.fullmatch(key)
    return f"{found[1]}flat{found[2] or ''}" if found else None
