"""Behance: pictures of projects.

What: a picture in several sizes, each a folder.

Grammar: `//mir-s3-cdn-cf.behance.net/project_modules/SIZE/NAME.EXT` and
`//mir-cdn.behance.net/v1/rendition/project_modules/SIZE/NAME.EXT`. SIZE is `disp`, `fs`, `hd`,
`1400`, `max_1200`, `source` and others, also with `_webp` or `_opt_1`. NAME is two hexadecimal
numbers.

Ambiguities: covers (`/projects/404/`) have a region in their name. `source` is not open for
every picture.

Decision: key is `//mir-s3-cdn-cf.behance.net/project_modules/source/NAME.EXT`. Covers are left
alone.

Source: gallery-dl, `extractor/behance.py`; Danbooru, `source/url/behance.rb`; Image Max URL, its
rule for `behance.net`.
"""

from __future__ import annotations

import re

HOST = r"mir-(?:s3-cdn-cf|cdn)\.behance\.net"
HINT = rf"^//{HOST}/(?:v1/rendition/)?project_modules/"

_PICTURE = re.compile(
    rf"//{HOST}/(?:v1/rendition/)?project_modules/"
    r"[a-z0-9_]+(/[0-9a-f]+\.[0-9a-f]+\.[a-z]+)"
)


def picture(key: str) -> str | None:
    """Return the source of the picture."""
    found = _PICTURE.fullmatch(key)
    return f"//mir-s3-cdn-cf.behance.net/project_modules/source{found[1]}" if found else None
