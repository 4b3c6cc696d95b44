"""Imgur: pictures and their thumbnails.

What: a picture is at its id with any ending. A letter after the id makes a thumbnail.

Grammar: `//[i.]imgur.com/ID[s|b|t|m|l|h|g|r|_d].EXT[?maxwidth=&shape=&fidelity=]`. An id has 5
or 7 letters and digits.

Ambiguities: of 6 or 8 characters the last one is the size, since no id has so many. `removed` is
the picture that stands for deleted ones. The ending does not select a format.

Decision: key is `//i.imgur.com/ID.jpg`, which Imgur serves whatever the format is. Another
number of characters, another letter and `removed` are left alone.

Source: https://api.imgur.com/models/image (Image thumbnails); Reddit Enhancement Suite, pull
request 2912 (5 or 7 characters); Danbooru, `source/url/imgur.rb`.
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import has_only

HOST = r"(?:(?:i|m|www)\.)?imgur\.(?:com|io)"
HINT = rf"^//{HOST}/[A-Za-z0-9]{{5,8}}(?:_d)?\."

_PICTURE = re.compile(
    rf"//{HOST}/([A-Za-z0-9]{{5}}|[A-Za-z0-9]{{7}})(?:[sbtmlhgr]|_d)?"
    r"\.(?:jpe?g|png|gifv?|webp)(?:\?(.*))?",
    re.DOTALL,
)
_NAMES = frozenset({"maxwidth", "shape", "fidelity", "1", "2", "noredirect", "fb"})


def picture(key: str) -> str | None:
    """Return the picture in full size, as JPEG."""
    found = _PICTURE.fullmatch(key)
    if found is None or found[1] == "removed" or not has_only(found[2] or "", _NAMES):
        return None
    return f"//i.imgur.com/{found[1]}.jpg"
