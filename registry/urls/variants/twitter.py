"""X, formerly Twitter: pictures of posts, frames of videos, cards, avatars and banners.

What: a picture has a name of random letters; its size and format are a suffix or the query.

Grammar: `//pbs.twimg.com/media/NAME[.EXT][:SIZE][?format=EXT&name=SIZE]`, in the same way
`tweet_video_thumb/NAME`, `(ext_tw|amplify)_video_thumb/NUMBER/.../img/NAME`,
`card_img/NUMBER/NAME` and `ad_img/NUMBER/NAME`;
`//pbs.twimg.com/profile_images/NUMBER/NAME[_SIZE].EXT`;
`//pbs.twimg.com/profile_banners/NUMBER/TIME[/WIDTHxHEIGHT]`.

Ambiguities: the original's format does not follow from another size, which may be WebP.

Decision: key has neither format nor size: `//pbs.twimg.com/media/NAME`. Avatars keep their
format, since their original has the same one.

Source: gallery-dl, `extractor/twitter.py`; Danbooru, `source/url/twitter.rb`; Image Max URL, its
rule for `twimg.com`.
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import has_only

HOST = r"pbs\.twimg\.com"
HINT = rf"^//{HOST}/"

_MEDIUM = re.compile(
    rf"(//{HOST}/(?:media|tweet_video_thumb|ext_tw_video_thumb/[0-9]+/[a-z]+/img"
    r"|amplify_video_thumb/[0-9]+/img|card_img/[0-9]+|ad_img/[0-9]+)/[A-Za-z0-9_-]+)"
    r"(?:\.[a-z]+)?(?:(?::|%3A)[a-z0-9_]+)?(?:\?(.*))?",
    re.DOTALL,
)
_AVATAR = re.compile(
    rf"(//{HOST}/profile_images/[0-9]+/[A-Za-z0-9_-]+?)"
    r"_(?:normal|bigger|mini|reasonably_small|[0-9]*x[0-9]+)(\.[a-z]+)"
)
_BANNER = re.compile(rf"(//{HOST}/profile_banners/[0-9]+/[0-9]+)/(?:[0-9]+x[0-9]+|[a-z_]+)")
_NAMES = frozenset({"format", "name"})


def picture(key: str) -> str | None:
    """Return the picture without format and size."""
    if found := _MEDIUM.fullmatch(key):
        return found[1] if has_only(found[2] or "", _NAMES) else None
    if found := _AVATAR.fullmatch(key):
        return found[1] + found[2]
    if found := _BANNER.fullmatch(key):
        return found[1]
    return None
