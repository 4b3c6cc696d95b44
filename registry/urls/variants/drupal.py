"""Drupal: image styles.

What: an upload in a site's `files`; each style has a copy of it below `styles`.

Grammar: `.../files/styles/STYLE/public/PATH[?itok=TOKEN][&h=HASH][&c=HASH]`, for private files
`.../system/files/styles/STYLE/private/PATH`, in S3
`.../s3fs-public/styles/STYLE/(public|s3)/PATH`. A style that changes the format to WebP or AVIF
adds an ending to PATH (`.jpg.webp`).

Ambiguities: a style may cut a square or a region that an editor chose, or add a watermark: its
definition is not public. An upload may itself be called `photo.jpg.webp`.

Decision: key is the upload, `.../files/PATH`, without the added ending. `itok`, `h` and `c` are
dropped; another parameter leaves it alone. A style is taken to show the whole picture.

Source: Drupal, `core/modules/image/src/Entity/ImageStyle.php` (`buildUri`, `buildUrl`).
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import without_query

HINT = r"/(?:files|s3fs-public)/styles/[^/]+/(?:public|private|s3)/"

_STYLE = re.compile(
    r"/(?:(system/files)/styles/[^/]+/private|(files)/styles/[^/]+/public"
    r"|(s3fs-public)/styles/[^/]+/(?:public|s3))/(?=.)"
)
_ADDED = re.compile(r"(?<=.)(\.(?:jpe?g|png|gif|webp))\.(?:webp|avif)\Z", re.IGNORECASE)
# Longer than two endings.
_ENDINGS = 12
_NAMES = frozenset({"itok", "h", "c"})


def picture(key: str) -> str | None:
    """Return the upload itself."""
    path = without_query(key, _NAMES) if "/styles/" in key else None
    found = _STYLE.search(path) if path else None
    if path is None or found is None:
        return None
    path = f"{path[: found.start()]}/{found[found.lastindex or 0]}/{path[found.end() :]}"
    added = _ADDED.search(path, max(len(path) - _ENDINGS, path.rfind("/") + 1))
    return path[: added.start()] + added[1] if added else path
