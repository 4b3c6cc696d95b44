"""Cloudinary: pictures with transformations in their path, on its hosts or on a customer's own.

What: an upload, or the URL of any picture, scaled by parts of the path.

Grammar: `//HOST/[CLOUD/]image/(upload|private|authenticated)/`, then
`[s--SIGNATURE--/][OPTIONS/]...[vVERSION/]PUBLIC_ID.EXT`; and
`//HOST/[CLOUD/]image/fetch/[s--SIGNATURE--/][OPTIONS/]...URL`. OPTIONS are joined by commas:
`w_300`, `c_fill`, `g_auto`, `q_auto`, `f_auto`, `dpr_2.0` and others.

Ambiguities: `c_crop` takes a region, `l_` and `u_` lay pictures over or under it, `e_` are
effects, `t_NAME` is defined by the customer. Without a version, `my_folder/` looks like an
option, and on a host that is not Cloudinary's `q_1/` may be a folder. PUBLIC_ID may be in use
again with another version.

Decision: key is the upload without signature and known options; the version and EXT stay. Of
`fetch` it is the key of the URL. If any part before the public id is not known, it is left
alone; so is an upload on another host without a version or several options at once.

Source: https://cloudinary.com/documentation/transformation_reference and
https://cloudinary.com/documentation/advanced_url_delivery_options.
"""

from __future__ import annotations

import re

from registry.urls.variants import _cloudinary
from registry.urls.variants._parts import has_only

HINT = r"/image/(?:upload|private|authenticated)/.*(?:_|--/|\?)|/image/fetch/.*http"

_PICTURE = re.compile(
    r"(//[^/?]+/(?:[^/?]+/)?image/(?:upload|private|authenticated)/)([^?]+)(?:\?(.*))?", re.DOTALL
)
_FETCHED = re.compile(r"//[^/?]+/(?:[^/?]+/)?image/fetch/(.+)", re.DOTALL)
# Their own grammar is in `substack`.
_OTHERS = ("//substackcdn.com/", "//cdn.substack.com/")
# What Cloudinary's libraries add for statistics.
_NAMES = frozenset({"_a", "_i", "_s"})


def picture(key: str) -> str | None:
    """Return the upload without options, or the key of the fetched picture."""
    if "/image/" not in key or key.startswith(_OTHERS):
        return None
    if found := _PICTURE.fullmatch(key):
        rest = _cloudinary.public_id(found[2]) if has_only(found[3] or "", _NAMES) else None
        if rest is None or not (".cloudinary.com/" in found[1] or _is_sure(found[2], rest)):
            return None
        return found[1] + rest
    found = _FETCHED.fullmatch(key)
    return _cloudinary.remote(found[1]) if found else None


def _is_sure(path: str, rest: str) -> bool:
    """Return whether what was before the public id are options, on a host of any owner."""
    options = path[: len(path) - len(rest)]
    return "," in options or "%2C" in options or re.match("v[0-9]+/", rest) is not None
