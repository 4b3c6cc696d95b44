"""The attributes outside of the HTML standard in which pages name their images. Pure.

Scripts of many galleries read the address of an image from an attribute of their own, when it
comes into view or is enlarged. This is the one table of them.
"""

from __future__ import annotations

import re
from typing import Literal

# Of an `img`: `lazy` is the address of the picture that `src` only holds the place of; `sizes`
# the same, written as a `srcset`; `original` a larger file of the picture in `src`. Values of
# `file` are addresses on some sites and names or numbers on others: only those that name an
# image file count. So it is with all of these on other elements (`li data-src`, `div data-bg`).
Role = Literal["lazy", "sizes", "original", "file"]
ROLES: dict[str, Role] = {
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
# `data-bgset` puts `|` between sizes and `[...]` behind those of one kind of screen.
_SCREENS = re.compile(r"\[[^\[\]]*+\]")


def as_srcset(name: str, value: str) -> str:
    """Return the value of an attribute of sizes as a `srcset` has it."""
    return _SCREENS.sub("", value).replace("|", ",") if name == "data-bgset" else value
