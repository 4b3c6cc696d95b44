"""ArtStation: pictures of projects, and their covers.

What: an upload in several sizes, from `micro_square` to `original`, with the time of its last
change as the query.

Grammar: `//cdn[ab].artstation.com/p/assets/(images|covers|panos)/images/`, then
`NNN/NNN/NNN/[TIME/]SIZE/NAME.EXT[?TIME]`. The three groups of digits are the number of the
upload.

Ambiguities: TIME in the path is that of a thumbnail that the artist cut; squares are cuts, too.
Not every upload can be had as `original`.

Decision: key is the address of the original, on `cdna`, without times: the number names the
upload. A cover is an upload of its own.

Source: gallery-dl, `extractor/artstation.py`; Danbooru, `source/url/art_station.rb`; Image Max
URL, its rule for `artstation.com`.
"""

from __future__ import annotations

import re

HOST = r"cdn[a-z]?\.artstation\.com"
HINT = rf"^//{HOST}/p/assets/"

_PICTURE = re.compile(
    rf"//{HOST}/p/assets/((?:images|covers|panos)/images/(?:[0-9]{{3}}/){{3,4}})"
    r"(?:[0-9]{14}/)?(?:(?:micro|smaller|small|medium)_square|small|medium|large|[48]k|original)"
    r"(/[^/?]+)(?:\?[0-9]*)?"
)


def picture(key: str) -> str | None:
    """Return the address of the original."""
    found = _PICTURE.fullmatch(key)
    return f"//cdna.artstation.com/p/assets/{found[1]}original{found[2]}" if found else None
