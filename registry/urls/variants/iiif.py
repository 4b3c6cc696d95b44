"""IIIF Image API: pictures of libraries, museums and archives.

What: the path says which region of a picture, in which size, rotation, quality and format.

Grammar: `//HOST/[.../]IDENTIFIER/REGION/SIZE/ROTATION/QUALITY.FORMAT`. REGION is `full`,
`square`, `x,y,w,h` or `pct:x,y,w,h`; SIZE is `full`, `max`, `w,`, `,h`, `w,h`, `!w,h` or
`pct:n`, in version 3 also after `^`; QUALITY is `default`, `color`, `gray`, `bitonal`, in
version 1 `native`.

Ambiguities: a picture of a region is a part of it, often a detail with a meaning of its own. A
rotation or a mirrored picture has other pixels.

Decision: `full` and `square` without rotation are the same picture; its key is
`.../IDENTIFIER/full/max/0/default.jpg`, which versions 2.1 and 3 serve. Regions, rotations and
addresses with a query are left alone.

Source: https://iiif.io/api/image/3.0/ and https://iiif.io/api/image/1.1/.
"""

from __future__ import annotations

import re

HINT = r"/(?:full|square)/[^/?]+/0/(?:default|native|colou?r|gr[ae]y|bitonal)\.[a-z0-9]+$"

_REQUEST = re.compile(
    r"/(?:full|square)/(?:%5E|\^)?(?:full|max|pct(?::|%3A)[0-9.]+|!?[0-9]*(?:,|%2C)[0-9]*)"
    r"/0/(?:default|native|colou?r|gr[ae]y|bitonal)\.(?:jpe?g|png|tif|gif|jp2|webp|avif)"
)


def picture(key: str) -> str | None:
    """Return the address of the whole picture in its greatest size."""
    if "/0/" not in key:
        return None
    parts = key.rsplit("/", 4)
    # A host and an identifier are before the four parts.
    if len(parts) < 5 or not key.startswith("//") or "/" not in parts[0][2:]:
        return None
    head = parts[0]
    if head.endswith("/") or "?" in head or not _REQUEST.fullmatch(key, len(head)):
        return None
    return f"{head}/full/max/0/default.jpg"
