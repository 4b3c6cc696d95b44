"""wsrv.nl, also at images.weserv.nl: a public proxy for pictures.

What: any picture, scaled by the query.

Grammar: `//(wsrv.nl|images.weserv.nl)/?url=URL[&w=&h=&fit=&a=&dpr=&q=&output=&we=...]`. URL may
lack its scheme, or have `ssl:` before the host.

Ambiguities: `crop`, `cx`, `cy`, `cw` and `ch` are a region; `trim`, `mask`, `ro`, `flip`, `blur`
and others change the picture; `page` is a page of a document.

Decision: key is that of URL. Parameters that do more than scale leave it alone.

Source: https://images.weserv.nl/docs/ (its quick reference).
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import decoded, has_only, inner_key, value_of

HOST = r"(?:wsrv|images\.weserv)\.nl"
HINT = rf"^//{HOST}/.*[?&]url="

_PICTURE = re.compile(rf"//{HOST}/\?(.+)", re.DOTALL)
_SCHEME = re.compile(r"(?:https?:|ssl:)?(?://)?", re.IGNORECASE)
_NAMES = frozenset(
    {
        *("url", "w", "h", "dpr", "fit", "cbg", "we", "a", "bg", "output", "q", "l", "il"),
        *("af", "ll", "n", "maxage", "default", "filename"),
    }
)


def picture(key: str) -> str | None:
    """Return the key of the picture behind the proxy."""
    found = _PICTURE.fullmatch(key)
    url = value_of(found[1], "url") if found and has_only(found[1], _NAMES) else None
    text = decoded(url.replace("+", " ")) if url else None
    return inner_key("//" + _SCHEME.sub("", text, count=1)) if text else None
