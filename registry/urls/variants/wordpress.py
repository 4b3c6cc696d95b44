"""WordPress: files of the media library, and sizes made by WordPress.com.

What: WordPress stores an upload in several sizes, named after it. WordPress.com and VIP scale an
upload by its query.

Grammar: `.../wp-content/uploads/.../NAME-(WIDTHxHEIGHT|scaled|rotated).EXT[.webp]`; and `?w=`,
`?h=`, `?resize=`, `?fit=` and others on `.../wp-content/uploads/...` and on
`//NAME.files.wordpress.com/...`.

Ambiguities: an upload may have been called `map-300x200.png`. Since version 5.3 WordPress adds a
number to such a name, so that it never meets a size (`wp_unique_filename`). Before it, banners
were uploaded as `sale-300x250.png` and `sale-728x90.png`, which are two pictures; other pairs of
such names are rarely two. A crop in the query may be a region.

Decision: key is the upload's own name, without the `.webp` or `.avif` that plug-ins add behind
`.jpg`, `.png` or `.gif` where they convert a file beside it, and without known parameters of size.
Sizes of the IAB's display advertisements are left alone. If any parameter is unknown, the whole
query stays. Edited copies (`NAME-e1600000000000.jpg`) are pictures of their own.

Source: WordPress, `wp-includes/functions.php` and `wp-includes/media.php`;
https://docs.wpvip.com/vip-file-system/image-files/transformations/query-parameters/; IAB,
Display Advertising Guidelines.
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import ADVERTISEMENTS, has_only, value_of

HINT = (
    r"/wp-content/uploads/.*(?:-(?:[0-9]+x[0-9]+|scaled|rotated)\."
    r"|(?i:\.(?:jpe?g|jpe|png|gif)\.(?:webp|avif))|\?)"
    r"|^//[^/]*\.files\.wordpress\.com/.*\?"
)
# What Photon (`photon`) takes, too.
NAMES = frozenset(
    {"w", "h", "fit", "resize", "crop", "zoom", "quality", "strip", "ssl", "is-pending-load"}
)

_SUFFIX = re.compile(
    r"-(?:([1-9][0-9]{0,4}x[1-9][0-9]{0,4})|scaled|rotated)"
    r"(\.(?:jpe?g|jpe|png|gif|webp|avif|heic|bmp|tiff?))\Z",
    re.IGNORECASE,
)
# What plug-ins for WebP and AVIF add to the name of the file that they convert.
_CONVERTED = re.compile(r"(?<=[^/])\.(?:jpe?g|jpe|png|gif)(\.(?:webp|avif))\Z", re.IGNORECASE)
# Longer than any suffix and its ending.
_SUFFIX_LENGTH = 30


def picture(key: str) -> str | None:
    """Return the upload itself."""
    head, _, query = key.partition("?")
    if "/wp-content/uploads/" not in head:
        is_hosted = ".files.wordpress.com/" in head[: head.find("/", 2) + 1]
        return head if is_hosted and scales_only(query) else None
    return _upload(head) + ("" if scales_only(query) else f"?{query}")


def scales_only(query: str) -> bool:
    """Return whether a query scales a picture and does nothing else to it."""
    # `crop=1` fills the size; `crop=10,10,50,50` is a region.
    return has_only(query, NAMES) and value_of(query, "crop") in (None, "0", "1")


def _upload(head: str) -> str:
    if converted := _CONVERTED.search(head, max(len(head) - _SUFFIX_LENGTH, 0)):
        head = head[: converted.start(1)]
    start = max(len(head) - _SUFFIX_LENGTH, 0)
    found = _SUFFIX.search(head, start)
    # A name that is nothing but a size has no original.
    if found is None or head[found.start() - 1] == "/" or found[1] in ADVERTISEMENTS:
        return head
    return head[: found.start()] + found[2]
