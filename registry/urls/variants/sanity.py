"""Sanity: pictures of its image pipeline.

What: an asset, named by its hash and its size, scaled by its query.

Grammar: `//cdn.sanity.io/images/PROJECT/DATASET/HASH-WIDTHxHEIGHT.EXT[/NAME]`, then
`[?w=&h=&fit=&crop=&auto=&q=&fm=&dpr=&max-w=&dl=...]`.

Ambiguities: `rect` is a region, `fp-x` and `fp-y` are where a crop is centred, `blur`, `invert`
and `flip` change the picture. WIDTHxHEIGHT is the original's size, and a part of its name. NAME
is for people.

Decision: key is the asset without NAME and query. `fp-` counts as size; another parameter leaves
it alone.

Source: https://www.sanity.io/docs/apis-and-sdks/image-urls.
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import has_only

HOST = r"cdn\.sanity\.io"
HINT = rf"^//{HOST}/images/"

_PICTURE = re.compile(
    rf"(//{HOST}/images/[^/?]+/[^/?]+/[A-Za-z0-9]+-[0-9]+x[0-9]+\.[a-z]+)"
    r"(?:/[^/?]+)?(?:\?(.*))?",
    re.DOTALL,
)
_NAMES = frozenset(
    {
        *("w", "h", "max-w", "max-h", "min-w", "min-h", "fit", "crop", "fp-x", "fp-y", "dpr"),
        *("q", "auto", "fm", "dl", "dlRaw", "bg", "pad", "sharp"),
    }
)


def picture(key: str) -> str | None:
    """Return the asset without query."""
    found = _PICTURE.fullmatch(key)
    return found[1] if found and has_only(found[2] or "", _NAMES) else None
