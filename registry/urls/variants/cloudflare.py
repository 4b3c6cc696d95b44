"""Cloudflare: pictures transformed by URL.

What: any site at Cloudflare scales a picture of its own or of another site.

Grammar: `//HOST/cdn-cgi/image/OPTIONS/SOURCE`. OPTIONS are `name=value` joined by commas:
`width`, `height`, `fit`, `gravity`, `quality`, `format`, `dpr` and others, some with a short
name. SOURCE is a path of HOST or a URL, as it is or percent-encoded.

Ambiguities: `trim` is a region or removes a border; `rotate`, `blur`, `draw` and others change
the picture. Paths of sites may hide `/cdn-cgi/`.

Decision: key is that of SOURCE, if its host is public. Options that do more than scale leave it
alone.

Source: https://developers.cloudflare.com/images/transform-images/transform-via-url/.
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import decoded, inner_key

HINT = r"^//[^/]+/cdn-cgi/image/"

_PICTURE = re.compile(r"//([^/?]+)/cdn-cgi/image/([^/?]+)/+([^?].*)", re.DOTALL)
_NAMES = (
    r"anim|background|compression|dpr|f|fit|format|g|gravity|h|height|metadata|onerror|q|quality"
    r"|scq|slow-connection-quality|sharpen|w|width"
)
_OPTIONS = re.compile(rf"(?:{_NAMES})=[^,=]*(?:,(?:{_NAMES})=[^,=]*)*")
_URL = re.compile(r"(https?)(:|%3A)(/{1,2}|%2F%2F)", re.IGNORECASE)


def picture(key: str) -> str | None:
    """Return the key of the picture that is transformed."""
    found = _PICTURE.fullmatch(key) if "/cdn-cgi/image/" in key else None
    if found is None or _OPTIONS.fullmatch(decoded(found[2]) or "") is None:
        return None
    source = found[3]
    url = _URL.match(source)
    if url is None:
        return inner_key(f"/{source}", found[1])
    if "%" in url[0]:
        return inner_key(decoded(source))
    # Some servers make one slash of two.
    return inner_key(f"//{source[url.end() :]}")
