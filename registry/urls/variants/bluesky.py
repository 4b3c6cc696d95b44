"""Bluesky: pictures of posts and profiles.

What: a blob, named by the hash of its content (CID), in several presets.

Grammar: `//cdn.bsky.app/img/PRESET/plain/DID/CID[@FORMAT]`. PRESET is `feed_thumbnail`,
`feed_fullsize`, `avatar`, `avatar_thumbnail` or `banner`; DID is the account.

Ambiguities: none: presets are sizes of the one blob. Avatars are squares of it.

Decision: key is `//cdn.bsky.app/img/feed_fullsize/plain/DID/CID@jpeg`. The same picture of
another account has another key.

Source: Bluesky, `packages/bsky/src/image/uri.ts` of `bluesky-social/atproto`; Danbooru,
`source/url/bluesky.rb`.
"""

from __future__ import annotations

import re

HOST = r"(?:av-)?cdn\.bsky\.app"
HINT = rf"^//{HOST}/img/"

_PICTURE = re.compile(
    rf"//{HOST}/img/(?:feed_thumbnail|feed_fullsize|avatar|avatar_thumbnail|banner)"
    r"/plain/(did(?::|%3A)(?:plc|web)(?::|%3A)[A-Za-z0-9._%:-]+)/([a-z0-9]{40,})(?:(?:@|%40)[a-z]+)?"
)


def picture(key: str) -> str | None:
    """Return the blob in full size."""
    found = _PICTURE.fullmatch(key)
    if found is None:
        return None
    did = found[1].replace("%3A", ":")
    return f"//cdn.bsky.app/img/feed_fullsize/plain/{did}/{found[2]}@jpeg"
