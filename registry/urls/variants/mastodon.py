"""Mastodon: pictures in posts.

What: an attachment, and a smaller copy of it.

Grammar: `.../media_attachments/files/NNN/NNN/.../(original|small)/HASH.EXT[?TIME]`. The groups
of digits are the number of the attachment.

Ambiguities: a copy may have another format; of a video it is a frame. `/cache/` before
`media_attachments` is another server's picture, with a number of this server.

Decision: key is `.../media_attachments/files/NNN/.../original/HASH`, without ending, on the same
host and folder. Videos and other queries are left alone.

Source: Mastodon, `app/models/media_attachment.rb` (its styles); Image Max URL, its rule for
`files.mastodon.social`.
"""

from __future__ import annotations

import re

HINT = r"/media_attachments/files/(?:[0-9]{3}/)+(?:original|small)/"

_PICTURE = re.compile(
    r"(/media_attachments/files/(?:[0-9]{3}/)+)(?:original|small)/([0-9a-f]{12,20})"
    r"\.(?:jpe?g|jfif|png|gif|webp|avif|heic)(?:\?[0-9]+)?\Z"
)


def picture(key: str) -> str | None:
    """Return the original, without ending."""
    at = key.find("/media_attachments/", 3)
    found = _PICTURE.match(key, at) if at > 0 else None
    return f"{key[:at]}{found[1]}original/{found[2]}" if found else None
