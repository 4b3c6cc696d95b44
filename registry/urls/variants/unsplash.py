"""Unsplash: photos, served by imgix.

What: a photo, scaled by its query.

Grammar: `//(images|plus).unsplash.com/PHOTO[?ixid=&ixlib=&w=&h=&fit=&crop=&q=&auto=&fm=...]`.
PHOTO is `[flagged/|reserve/] (photo|premium_photo|profile)-NUMBER-HASH...`, or a name of the
early years.

Ambiguities: those of `imgix`.

Decision: key is the photo without query; as in `imgix`, another parameter leaves it alone.

Source: https://unsplash.com/documentation (Dynamically resizable images).
"""

from __future__ import annotations

import re

from registry.urls.variants import _imgix

HOST = r"(?:images|plus)\.unsplash\.com"
HINT = rf"^//{HOST}/.*\?"

_PICTURE = re.compile(rf"//{HOST}/[^?]+\?.*", re.DOTALL)


def picture(key: str) -> str | None:
    """Return the photo without query."""
    return _imgix.whole(key) if _PICTURE.fullmatch(key) else None
