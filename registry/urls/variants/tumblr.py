"""Tumblr: pictures of posts, and avatars.

What: old addresses end with a width; new ones have the size as a folder, and a file name that
differs for each size.

Grammar: old, `//N.media.tumblr.com/[HASH/]tumblr_NAME_SIZE.EXT` and `avatar_NAME_SIZE.EXT`, SIZE
one of Tumblr's widths, with `sq` for a square, or `raw`. New,
`//N.media.tumblr.com/HASH/HASH-NN/sWIDTHxHEIGHT[u][_c1|_f1]/HASH.EXT`: the first two parts name
the medium (`mediaKey` in Tumblr's own pages). `_c1` is a square, `_f1` a still frame. `.pnj` is
a PNG sent as JPEG, `.gifv` a GIF sent as video.

Ambiguities: `_c` with numbers is a region. `tumblr_static_NAME_100.jpg` has a name that a person
chose. A number in NAME (`o1`, `r2`) is another picture of the post, or another version.

Decision: old ones get size 1280, avatars 512. New ones get the two parts that name the medium,
without size and file. Host number 64 in both: all serve the same files. Regions and
`tumblr_static_` are left alone. A medium under its old and its new address has two keys.

Source: gallery-dl, `extractor/tumblr.py`; Danbooru, `source/url/tumblr.rb`; Image Max URL, its
rule for `media.tumblr.com`.
"""

from __future__ import annotations

import re

HOST = r"(?:[0-9]+\.)?media\.tumblr\.com"
HINT = rf"^//{HOST}/"

_WIDTHS = "75sq|16|24|30|40|48|64|96|100|128|250|400|500h?|512|540|640|720|1280|raw"
_OLD = re.compile(
    rf"//{HOST}/((?:[0-9a-f]{{20,}}/)?(tumblr_(?!static_)[A-Za-z0-9_]+|avatar_[0-9a-f]+))"
    rf"_(?:{_WIDTHS})\.(jpe?g|png|gif|webp|pnj|gifv)"
)
_NEW = re.compile(
    rf"//{HOST}/([0-9a-f]{{20,}}/[0-9a-f]+-[0-9a-z]+)/s[0-9]+x[0-9]+u?(?:_[cf]1)?/"
    r"[0-9a-f]{20,}\.[a-z0-9]+"
)
_ENDINGS = {"pnj": "png", "gifv": "gif"}


def picture(key: str) -> str | None:
    """Return the largest common size of an old address, or the medium of a new one."""
    if new := _NEW.fullmatch(key):
        return f"//64.media.tumblr.com/{new[1]}"
    if old := _OLD.fullmatch(key):
        size = 512 if old[2].startswith("avatar_") else 1280
        return f"//64.media.tumblr.com/{old[1]}_{size}.{_ENDINGS.get(old[3], old[3])}"
    return None
