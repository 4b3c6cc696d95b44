"""MediaWiki: thumbnails of files, as in Wikipedia and Wikimedia Commons.

What: a file is at `/images/a/ab/NAME`; its thumbnails are in a folder of its name below
`/thumb/`.

Grammar:
`.../thumb/[H/HH/]NAME/[lossy-|lossless-|qlow-][page1-]WIDTHpx-(NAME[.EXT]|thumbnail.EXT)`. H and
HH are the first digits of a hash of NAME. EXT follows where the thumbnail has another format
(SVG, TIFF, PDF). Very long names are replaced by `thumbnail`.

Ambiguities: `page2-` is another page of a document, `langde-` an SVG in another language,
`seek=` and `WIDTHpx--` a frame of a video. A file may be replaced under its name, at all sizes.

Decision: key is the file itself, `.../[H/HH/]NAME`, on any host: the name twice is a sure sign.
Page 1 is the file. Other pages, languages and frames are left alone, as are archived versions. A
query (the time of a version) stays.

Source: MediaWiki, `includes/filerepo/file/File.php` and `thumb.php`;
https://www.mediawiki.org/wiki/Manual:Thumb.php.
"""

from __future__ import annotations

import re

from registry.urls.variants._parts import decoded

HINT = r"/thumb/.*/[^/]*[0-9]px-"

_HASHED = re.compile(r"([0-9a-f])/\1[0-9a-f]")
_WIDTH = re.compile(r"(?:lossy-|lossless-|qlow-)?(?:page1-)?[1-9][0-9]*px-")
_ENDING = re.compile(r"(?:\.(?:png|jpe?g|gif|webp))?", re.IGNORECASE)
_LONG = re.compile(r"thumbnail\.(?:png|jpe?g|gif|webp|svg\.png|tiff?\.jpg)", re.IGNORECASE)


def picture(key: str) -> str | None:
    """Return the file whose thumbnail it is."""
    if "/thumb/" not in key:
        return None
    path, mark, query = key.partition("?")
    head, _, tail = path.rpartition("/thumb/")
    *folders, name, last = ["", *tail.split("/")]
    folder = "/".join(folders[1:])
    width = _WIDTH.match(last)
    if (
        len(head) < 3
        or not head.startswith("//")
        or not name
        or width is None
        or (folder and not _HASHED.fullmatch(folder))
    ):
        return None
    if not _names(last[width.end() :], name):
        return None
    return "/".join(filter(None, (head, folder, name))) + mark + query


def _names(text: str, name: str) -> bool:
    """Return whether a thumbnail's text after its width names the file."""
    if _LONG.fullmatch(text):
        return True
    text, name = decoded(text) or "", decoded(name) or "/"
    return text.startswith(name) and _ENDING.fullmatch(text, len(name)) is not None
