"""Wix: pictures of its sites.

What: a medium has an id; options for its size follow as a path.

Grammar: `//static.wixstatic.com/media/ID[/v1/(fill|fit)/OPTIONS/NAME][?dn=NAME]`, formerly
`ID_(srz|srb)_..._(srz|srb)`. ID ends with the format.

Ambiguities: `/v1/crop/x_..,y_..,w_..,h_../` is a region, also before `fill`. NAME is for people.

Decision: key is the medium without options: `//static.wixstatic.com/media/ID`. Crops are left
alone.

Source:
https://dev.wix.com/docs/api-reference/assets/media/media-manager/url-image-transformation; Image
Max URL, its rule for `wixstatic.com`.
"""

from __future__ import annotations

import re

HOST = r"static\.wixstatic\.com"
HINT = rf"^//{HOST}/media/[^/?]+(?:/v1/fi|_sr[zb]_|\?)"

_PICTURE = re.compile(
    rf"(//{HOST}/media/[A-Za-z0-9_~.-]+?\.[a-z]+)"
    r"(?:/v1/fi(?:ll|t)/[^/?]+/[^/?]+|_sr([zb])_[A-Za-z0-9_.]+_sr\2)?(?:\?dn=[^&]*)?"
)


def picture(key: str) -> str | None:
    """Return the medium without options."""
    found = _PICTURE.fullmatch(key)
    return found[1] if found else None
