"""Attributes outside the HTML standard that hold image URLs. Pure.

Scripts of many galleries read the URL of an image from such an attribute when the image
scrolls into view or is enlarged. This is the only table of them.
"""

from __future__ import annotations

import re
from typing import Literal

# On an `img`: `lazy` is the URL of the image for which `src` is a placeholder; `sizes` the same,
# written as a `srcset`; `original` a larger file of the image in `src`. Values of `file` are URLs
# on some sites and names or numbers on others: only those that name an image file count. The same
# holds for all of these on other elements (`li data-src`, `div data-bg`).
AttributeRole = Literal["lazy", "sizes", "original", "file"]
ROLES: dict[str, AttributeRole] = {
    "data-src": "lazy",
    "data-lazy-src": "lazy",
    "data-original": "lazy",
    "data-lazy": "lazy",
    "data-lazyload": "lazy",
    "data-echo": "lazy",
    "data-cfsrc": "lazy",
    "data-flickity-lazyload": "lazy",
    "data-flickity-lazyload-src": "lazy",
    "data-splide-lazy": "lazy",
    "data-srcset": "sizes",
    "data-lazy-srcset": "sizes",
    "data-bgset": "sizes",
    "data-flickity-lazyload-srcset": "sizes",
    "data-splide-lazy-srcset": "sizes",
    "data-orig-file": "original",
    "data-full-url": "original",
    "data-large_image": "original",
    "data-hi-res-src": "original",
    "data-zoom-image": "original",
    "data-bg": "file",
    "data-background": "file",
    "data-background-image": "file",
    "data-image": "file",
    "data-image-src": "file",
    "data-original-src": "file",
    "data-large-file": "file",
    "data-src-retina": "file",
    "data-full": "file",
    "data-href": "file",
}
LAZY_SRC = tuple(name for name, role in ROLES.items() if role == "lazy")
LAZY_SRCSET = tuple(name for name, role in ROLES.items() if role == "sizes")
ORIGINAL_SRC = tuple(name for name, role in ROLES.items() if role == "original")
# `data-bgset` has `|` between sizes and a media query in `[...]` after those it applies to.
_MEDIA_QUERIES = re.compile(r"\[[^\[\]]*+\]")


def as_srcset(name: str, value: str) -> str:
    """Return the value of an attribute with the role `sizes` in `srcset` syntax."""
    return _MEDIA_QUERIES.sub("", value).replace("|", ",") if name == "data-bgset" else value
