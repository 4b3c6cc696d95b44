"""Pexels: photos, served by imgix.

What: a photo, scaled by its query.

Grammar: `//images.pexels.com/photos/NUMBER/NAME[?auto=&cs=&fit=&w=&h=&dpr=&crop=&fm=&dl=]`.

Ambiguities: those of `imgix`.

Decision: key is the photo without query; as in `imgix`, another parameter leaves it alone.

Source: https://www.pexels.com/api/documentation/ (The Photo resource, `src`).
"""

from __future__ import annotations

import re

from registry.urls.variants import _imgix

HOST = r"images\.pexels\.com"
HINT = rf"^//{HOST}/photos/.*\?"

_PICTURE = re.compile(rf"//{HOST}/photos/[0-9]+/[^/?]+\?.*", re.DOTALL)


def picture(key: str) -> str | None:
    """Return the photo without query."""
    return _imgix.whole(key) if _PICTURE.fullmatch(key) else None
