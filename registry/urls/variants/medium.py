"""Medium: pictures of articles.

What: a picture has an id; options for its size stand before it in the path.

Grammar: `//(miro|cdn-images-N).medium.com/[v2/][OPTION/]...ID`. ID is a digit, `*`, letters,
with or without an ending. OPTION is `max/N`, `fit/(t|c)/W/H`, `freeze/max/N`,
`resize:fit:N[:N]`, `resize:fill:W:H`, `format:webp` or `da:true`.

Ambiguities: `focal/...` and `fit/c/...` with a point cut around it; `gradv`, `blur` and
`letterbox` change the picture.

Decision: key is `//miro.medium.com/ID`. Other options are left alone.

Source: addresses on pages of Medium; Image Max URL, its rule for `medium.com`.
"""

from __future__ import annotations

import re

HOST = r"(?:miro|cdn-images-[0-9])\.medium\.com"
HINT = rf"^//{HOST}/"

_PICTURE = re.compile(
    rf"//{HOST}/(?:v2/)?"
    r"(?:max/[0-9]+/|fit/[ct]/[0-9]+/[0-9]+/|freeze/max/[0-9]+/|resize:fi(?:t|ll)(?::[0-9]+)+/"
    r"|format:[a-z]+/|da:true/)*([0-9])(?:\*|%2A)([A-Za-z0-9_-]+(?:(?:@|%40)2x)?(?:\.[a-z]+)?)"
)


def picture(key: str) -> str | None:
    """Return the picture without options."""
    found = _PICTURE.fullmatch(key)
    return f"//miro.medium.com/{found[1]}*{found[2].replace('%40', '@')}" if found else None
