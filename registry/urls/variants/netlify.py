"""Netlify: its image CDN.

What: the platform scales a picture of its customer's site or of another one.

Grammar: `//HOST/.netlify/images?url=URL[&w=&h=&fit=&position=&fm=&q=]`. URL is a URL or a path
of HOST.

Ambiguities: `fm=blurhash` is a text. A path without slash is not documented.

Decision: key is that of URL, if its host is public. `blurhash` is left alone.

Source: https://docs.netlify.com/image-cdn/overview.
"""

from __future__ import annotations

from registry.urls.variants._parts import source_parameter, value_of

HINT = r"/\.netlify/images/?\?"

_NAMES = frozenset({"w", "h", "fit", "position", "fm", "q"})


def picture(key: str) -> str | None:
    """Return the key of the picture that is scaled."""
    if "/.netlify/images" not in key or value_of(key.partition("?")[2], "fm") == "blurhash":
        return None
    return source_parameter(key, "/.netlify/images", _NAMES)
