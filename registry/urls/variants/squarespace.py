"""Squarespace: pictures of its sites.

What: a file, scaled by its query.

Grammar: `//images.squarespace-cdn.com/content/...` or `//static1.squarespace.com/static/...`,
then `[/WIDTHw][?format=WIDTHw|original][&content-type=TYPE]`.

Ambiguities: none known; other parameters are not documented.

Decision: key is the file without size, width and type. Unknown parameters are left alone.

Source: https://developers.squarespace.com/image-loader; Image Max URL, its rules for
`squarespace`.
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import without_query

HOST = r"(?:images\.squarespace-cdn|static[0-9]*\.squarespace)\.com"
HINT = rf"^//{HOST}/(?:content|static)/.*(?:\?|/[0-9]+w|/$)"

_FILE = re.compile(rf"//{HOST}/(?:content|static)/[^?/]")
_WIDTH = re.compile(r"/[0-9]{2,5}w")
_NAMES = frozenset({"format", "content-type"})


def picture(key: str) -> str | None:
    """Return the file without size."""
    head = without_query(key, _NAMES) if _FILE.match(key) else None
    if head is None:
        return None
    head = head.rstrip("/")
    folder, slash, last = head.rpartition("/")
    return folder if _WIDTH.fullmatch(slash + last) else head
