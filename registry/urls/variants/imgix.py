"""imgix, on its own hosts (`*.imgix.net`).

What: a file, scaled and formatted by its query. A source may be the web: then the path is a URL.

Grammar: `//SOURCE.imgix.net/PATH[?w=&h=&fit=&crop=&auto=&q=&fm=&dpr=&s=...]`, or
`/http%3A%2F%2F...` as PATH.

Ambiguities: `rect` is a region, `fit=facearea` a face, `mark`, `txt` and `blend` add something,
`page` is a page of a document. `s` signs the path and the query.

Decision: key is the file without query, or that of the URL in the path. If any parameter is not
one of size and format, it is left alone. Hosts of customers are not known, and so not read.

Source: https://docs.imgix.com/en-US/apis/rendering and
https://docs.imgix.com/en-US/getting-started/setup/creating-sources/web-proxy.
"""

from __future__ import annotations

import re

from registry.urls.variants import _imgix
from registry.urls.variants._parts import decoded, inner_key

HOST = r"[a-z0-9-]+\.imgix\.net"
HINT = rf"^//{HOST}/.*(?:\?|%3[Aa])"

_PICTURE = re.compile(rf"//{HOST}/([^?].*)", re.DOTALL)
_URL = re.compile(r"https?%3A%2F%2F", re.IGNORECASE)


def picture(key: str) -> str | None:
    """Return the file without query, or the key of the picture that the path names."""
    found = _PICTURE.fullmatch(key)
    whole = _imgix.whole(key) if found else None
    if found is None or whole is None:
        return None
    path = whole[found.start(1) :]
    return inner_key(decoded(path)) if _URL.match(path) else whole
