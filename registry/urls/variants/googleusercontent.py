"""Google: pictures of Blogger, Photos, Maps, Play and YouTube.

What: `googleusercontent.com`, `ggpht.com` and hosts of Blogger. A picture has a token; options
for its size follow as a folder or after `=`.

Grammar: with folders, `//HOST/A/B/AAAA.../D/[OPTIONS/][NAME]`, and of Blogger also
`//blogger.googleusercontent.com/img/b/X/TOKEN/[OPTIONS/][NAME]`; with `=`,
`//HOST/[.../]TOKEN[=OPTIONS]`. OPTIONS are joined by `-`: `s320`, `w400-h300`, `c`, `p`, `k`,
`no`, `nu`, `rw`, `d` and others.

Ambiguities: `fcrop64=` is a region, others are filters and badges. NAME is not read by the
server, so that it may differ or be missing. `s1600-h` is a page that shows the picture.

Decision: key is the original (`d`): `//HOST/A/B/C/D/d/` or `//HOST/TOKEN=d`. The numbered hosts
of `bp.blogspot.com` are one; other hosts stay. Unknown options are left alone, and tokens of
fewer than 20 characters, which may be words.

Source: Danbooru, `source/url/google.rb` and `source/url/blogger.rb`; Image Max URL, its rule for
`googleusercontent.com`; Google Photos API, "Access media items" (`w`, `h`, `c`, `d`).
"""

from __future__ import annotations

import re

HOST = (
    r"(?:[0-9]\.bp\.blogspot|bp[0-9]\.blogger|blogger\.googleusercontent"
    r"|play-lh\.googleusercontent|(?:lh|yt|gp)[0-9]\.(?:ggpht|googleusercontent|google))\.com"
)
HINT = rf"^//{HOST}/"

_START = re.compile(f"//{HOST}/")
_OPTION = r"(?:[swhlev][0-9]+|c0x[0-9a-f]+|h|d|cc?|pp?|pd|n[ou]?|k|r[jp]|rwa?|rwu|mo)"
_OPTIONS = rf"{_OPTION}(?:-{_OPTION})*"
_FOLDERS = re.compile(
    r"((?:img/b/[\w-]+/[\w-]{20,}|[^/?=]+/[^/?=]+/AAAA[\w-]+/[\w-]+))"
    rf"(?:/{_OPTIONS})?(?:/[^/?=]*)?(?:\?imgmax=[a-z0-9]*)?",
    re.ASCII,
)
_TOKEN = re.compile(
    rf"((?:[\w-]+/){{0,4}}[\w-]{{20,}})(?:(?:=|%3D)(?:{_OPTIONS}))?(?:\?imgmax=[a-z0-9]*)?",
    re.ASCII,
)


def picture(key: str) -> str | None:
    """Return the original."""
    host = _START.match(key)
    if host is None:
        return None
    name = "//1.bp.blogspot.com/" if ".bp.blogspot." in host[0] else host[0]
    if found := _FOLDERS.fullmatch(key, host.end()):
        return f"{name}{found[1]}/d/"
    if found := _TOKEN.fullmatch(key, host.end()):
        return f"{name}{found[1]}=d"
    return None
