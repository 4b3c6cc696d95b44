"""DeviantArt: pictures on its storage at Wix (`wixmp.com`).

What: a file, the same file through `/intermediary/`, and both scaled by a path of options, each
with its own token.

Grammar:
`//HOST/[intermediary/] (f|i)/UUID/NAME.EXT[/v1/(fill|fit)/OPTIONS/TITLE.EXT][?token=...]`. HOST
is `images-wixmp-ed30a86b8c4ca887773594c2.wixmp.com`, the same without `images-`, or
`img-deviantart.wixmp.com`. NAME is the deviation's number in base 36 and a UUID. `i` is a
preview that DeviantArt made of something else than a picture.

Ambiguities: `/v1/crop/w_..,h_..,x_..,y_../` is a region. Buckets with another number are of
other customers of Wix.

Decision: key is the file without options and query, on the first of the hosts. `f` and `i` have
different files and stay different. A crop is left alone.

Source: gallery-dl, `extractor/deviantart.py`; Danbooru, `source/url/deviant_art.rb`; Image Max
URL, its rule for `wixmp.com`.
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import has_only

HOST = r"(?:(?:images-)?wixmp-ed30a86b8c4ca887773594c2|img-deviantart)\.wixmp\.com"
HINT = rf"^//{HOST}/"

_MAIN = "images-wixmp-ed30a86b8c4ca887773594c2.wixmp.com"
_PICTURE = re.compile(
    rf"//{HOST}/"
    r"(?:intermediary/)?([fi]/[0-9a-f-]{36}/[a-z0-9]+-[0-9a-f-]{36}\.[a-z0-9]+)"
    r"(?:/v1/fi(?:ll|t)/[^/?]+/[^/?]+)?(?:\?(.*))?",
    re.DOTALL,
)
_NAMES = frozenset({"token", "ts", "filename"})


def picture(key: str) -> str | None:
    """Return the file without options."""
    found = _PICTURE.fullmatch(key)
    if found is None or not has_only(found[2] or "", _NAMES):
        return None
    return f"//{_MAIN}/{found[1]}"
