"""Substack: pictures of newsletters.

What: a proxy (Cloudinary's) for pictures in Substack's own storage, with options in the path.

Grammar: `//(substackcdn.com|cdn.substack.com)/image/fetch/[$s_!SIGNATURE!,]OPTIONS/URL`, the
options as in `cloudinary`. URL is percent-encoded as a whole, or not at all.

Ambiguities: those of `cloudinary`.

Decision: key is that of URL: the file in the storage, or wherever it is.

Source: https://cloudinary.com/documentation/fetch_remote_images; addresses on pages of Substack.
"""

from __future__ import annotations

import re

from registry.urls.variants import _cloudinary

HOST = r"(?:substackcdn\.com|cdn\.substack\.com)"
HINT = rf"^//{HOST}/image/fetch/"

_PICTURE = re.compile(rf"//{HOST}/image/fetch/(.+)", re.DOTALL)


def picture(key: str) -> str | None:
    """Return the key of the stored file."""
    found = _PICTURE.fullmatch(key)
    return _cloudinary.remote(found[1]) if found else None
