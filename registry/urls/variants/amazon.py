"""Amazon and IMDb: pictures with options in their name.

What: a picture has an id; options for its size stand between the id and the ending.

Grammar: `//HOST/images/(I|M)/ID._OPTION_OPTION_.EXT`, on `m.media-amazon.com`,
`images-REGION.ssl-images-amazon.com`, `ecx.images-amazon.com` and `ia.media-imdb.com`. Options
are `AC`, `AL`, `SX300`, `SY300`, `SL1500`, `SS40`, `SR38,50`, `UX`, `UY`, `QL70`, `ML2`,
`FMwebp`, `V1` and others.

Ambiguities: `CR` is a region; `BO`, `PI`, `ZA` and others lay something over the picture. In
`/images/P/` a product's number stands for whatever its picture is in that country.

Decision: key is `//HOST/images/(I|M)/ID.EXT`. Unknown options and `CR` are left alone. Hosts are
not joined.

Source: Image Max URL, its rule for `media-amazon.com`; https://aaugh.com/imageabuse.html.
"""

from __future__ import annotations

import re

HOST = r"[a-z0-9-]+\.(?:(?:media|images|ssl-images)-amazon|media-imdb)\.com"
HINT = rf"^//{HOST}/images/[IM]/[^/]+\._"

_OPTION = (
    r"(?:A[CL]|AA[0-9]+|S[XYLS][0-9]+|SR[0-9]+(?:,|%2C)[0-9]+|U[XYLS][0-9]+|UF[0-9]+(?:,|%2C)[0-9]+"
    r"|QL[0-9]+|ML[0-9]+|FM[a-z]+|V[0-9]+)"
)
_PICTURE = re.compile(
    rf"(//{HOST}/images/[IM]/[^/.?]+)"
    rf"\._{{1,2}}{_OPTION}(?:_{_OPTION})*_?(\.(?:jpe?g|png|gif|webp))"
)


def picture(key: str) -> str | None:
    """Return the picture without options."""
    found = _PICTURE.fullmatch(key)
    return found[1].replace("%40", "@").replace("%2B", "+") + found[2] if found else None
