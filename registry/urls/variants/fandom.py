"""Fandom (Wikia): files of its wikis.

What: a file with its revision, and the same scaled by a path after the revision.

Grammar: `//static.wikia.nocookie.net/WIKI/images/H/HH/NAME/`, then
`revision/(latest|TIME)[/OPERATION/SIZES][?cb=TIME]`, also on `vignette[N].wikia.nocookie.net`.

Ambiguities: `window-crop` is a region. `cb` is the time of the revision, which may be another
picture; `path-prefix` is the wiki's language.

Decision: key is the revision without the operation. `cb` and `path-prefix` stay; `format` and
`fill` are dropped. Unknown operations and parameters are left alone.

Source: Vignette of Wikia, `src/vignette/http/routes.clj`; Danbooru, `source/url/fandom.rb`.
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import has_only, without_parameters

HOST = r"(?:static|vignette[0-9]*)\.wikia\.nocookie\.net"
HINT = rf"^//{HOST}/.*/revision/"

_SIZES = r"(?:width|height)/[0-9]+"
_PICTURE = re.compile(
    rf"(//{HOST}/[^?]+/revision/(?:latest|[0-9]+))"
    r"(?:/scale-to-(?:width|height)(?:-down)?/[0-9]+"
    r"|/(?:smart|top-crop|top-crop-down|zoom-crop|zoom-crop-down|thumbnail|thumbnail-down"
    rf"|fixed-aspect-ratio|fixed-aspect-ratio-down)/{_SIZES}/{_SIZES})?(?:\?(.*))?",
    re.DOTALL,
)
_SCALING = frozenset({"format", "fill"})
_NAMES = _SCALING | {"cb", "path-prefix"}


def picture(key: str) -> str | None:
    """Return the revision of the file in full size."""
    found = _PICTURE.fullmatch(key)
    if found is None or not has_only(found[2] or "", _NAMES):
        return None
    return found[1] + without_parameters(found[2] or "", _SCALING)
