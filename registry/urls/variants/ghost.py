"""Ghost: pictures of its publications.

What: an upload is below `/content/images/`; its sizes are below `/content/images/size/`.

Grammar: `.../content/images/size/(wN|hN|wNhN)/[format/FORMAT/]PATH` and
`.../content/images/PATH`.

Ambiguities: `NAME_o.EXT` is the upload before Ghost made it smaller; it may as well be a name.

Decision: key is the upload, `.../content/images/PATH`. A query stays. `_o` is left alone.

Source: Ghost, `ghost/core/core/frontend/web/middleware/handle-image-sizes.js`;
https://ghost.org/docs/themes/assets/.
"""

from __future__ import annotations

import re

HINT = r"/content/images/size/[wh][0-9]"

_SIZE = re.compile(
    r"/content/images/size/(?:w[0-9]+(?:h[0-9]+)?|h[0-9]+)/(?:format/[a-z]+/)?(?=[^?])"
)


def picture(key: str) -> str | None:
    """Return the upload itself."""
    if "/content/images/size/" not in key:
        return None
    path, mark, query = key.partition("?")
    found = _SIZE.search(path)
    if found is None:
        return None
    return f"{path[: found.start()]}/content/images/{path[found.end() :]}{mark}{query}"
