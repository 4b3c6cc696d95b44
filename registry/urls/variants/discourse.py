"""Discourse: pictures of forums.

What: an upload, named by the SHA-1 of its content, and smaller copies.

Grammar: `.../original/NX/[H/]...SHA1.EXT` and
`.../optimized/NX/[H/]...SHA1_VERSION_WIDTHxHEIGHT.EXT`.

Ambiguities: a copy may have another format than the upload.

Decision: key is `.../original/NX/[H/]...SHA1`, without ending. The number of digits makes it
sure on any host. A query is left alone.

Source: Discourse, `lib/file_store/base_store.rb` (`get_path_for`); Image Max URL, its rule for
`discourse-cdn.com`.
"""

from __future__ import annotations

import re

HINT = r"/(?:original|optimized)/[0-9]X/[0-9a-f/]+[_.]"

_PICTURE = re.compile(
    r"/(?:original(/[0-9]X/(?:[0-9a-f]/)*[0-9a-f]{40})"
    r"|optimized(/[0-9]X/(?:[0-9a-f]/)*[0-9a-f]{40})_[0-9]+_[0-9]+x[0-9]+)"
    r"\.(?:jpe?g|png|gif|webp|avif|heic|JPE?G|PNG|GIF)\Z"
)


def picture(key: str) -> str | None:
    """Return the upload, without ending."""
    found = _PICTURE.search(key) if "X/" in key else None
    if found is None or found.start() < 3 or "?" in key:
        return None
    return f"{key[: found.start()]}/original{found[1] or found[2]}"
