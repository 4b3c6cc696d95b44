"""Reddit: pictures uploaded there, and its copies of pictures elsewhere.

What: an upload is on `i.redd.it`; its sizes are on `preview.redd.it`, with a signed query.

Grammar: `//preview.redd.it/[TITLE-v0-]ID.EXT[?width=&format=&auto=&crop=smart&s=SIGNATURE]` and
`//i.redd.it/ID.EXT`. `//external-preview.redd.it/HASH.EXT[?...]` is a copy of another site's
picture.

Ambiguities: `crop=smart` is chosen by the server. `blur` hides pictures for adults, and is an
effect on the whole picture. HASH does not lead to the other site.

Decision: key is `//i.redd.it/ID.EXT`, whatever the query is: it selects sizes of the one upload.
Of copies, key is the copy without query.

Source: gallery-dl, `extractor/reddit.py`; Danbooru, `source/url/reddit.rb`; Image Max URL, its
rule for `preview.redd.it`.
"""

from __future__ import annotations

import re

HOST = r"(?:external-)?preview\.redd\.it"
HINT = rf"^//{HOST}/"

_ENDING = r"\.(?:jpe?g|png|gif|webp)"
_UPLOAD = re.compile(
    rf"//preview\.redd\.it/(?:[^/?]*-v[0-9]-)?([a-z0-9]{{8,20}}{_ENDING})(?:\?.*)?", re.DOTALL
)
_COPY = re.compile(
    rf"(//external-preview\.redd\.it/[A-Za-z0-9_-]{{20,}}{_ENDING})(?:\?.*)?", re.DOTALL
)


def picture(key: str) -> str | None:
    """Return the upload, or the copy without query."""
    if found := _UPLOAD.fullmatch(key):
        return f"//i.redd.it/{found[1]}"
    found = _COPY.fullmatch(key)
    return found[1] if found else None
