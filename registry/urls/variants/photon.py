"""Photon, the proxy for pictures of WordPress.com and Jetpack (`i0.wp.com`).

What: the address of a picture without its scheme, after the proxy's host, scaled by the query.

Grammar: `//i[0-9].wp.com/HOST/PATH[?w=&h=&resize=&fit=&zoom=&quality=&strip=&ssl=]`.

Ambiguities: `crop` with coordinates is a region, `filter` and `brightness` change the picture,
`q` holds a query of the original.

Decision: key is that of the original, `//HOST/PATH`. With a parameter that does more than scale,
it is left alone.

Source: https://developer.wordpress.com/docs/photon/api/; Jetpack, `functions.photon.php` and its
issue 9685.
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import inner_key
from registry.urls.variants.wordpress import scales_only

HOST = r"i[0-9]\.wp\.com"
HINT = rf"^//{HOST}/"

_PICTURE = re.compile(rf"//{HOST}/([^/?]+/[^?]+)(?:\?(.*))?", re.DOTALL)


def picture(key: str) -> str | None:
    """Return the key of the picture behind the proxy."""
    found = _PICTURE.fullmatch(key)
    if found is None or not scales_only(found[2] or ""):
        return None
    return inner_key(f"//{found[1]}")
