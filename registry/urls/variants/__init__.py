"""Finds that two URLs show one picture in different sizes. Pure.

Every file here that does not start with `_` is a platform or a software that serves a picture
in several sizes. It exports

- `HINT`: a regular expression of RE2. Every URL key that the plug-in changes matches it. It
  is run over millions of keys, so it is short, without captures, and names the host or the path;
- `HOST`, if all its addresses are on hosts of its own: a regular expression that these match
  in full. `HINT` then begins with it;
- `picture(key) -> str | None`: the key that all sizes of one picture have, which may be
  `key` itself; None if the key is none of the platform's or may be of another picture. Raises
  on no input, and takes time linear in the length of the key.

and a docstring that is its reference page: `What`, `Grammar`, `Ambiguities`, `Decision`,
`Source`. Vectors are in `tests/vectors/variants/NAME.jsonl`. There is no list to edit.

Two different pictures must not get one key: a wrong merge reserves a picture that nobody
reserved. So a plug-in changes only what its grammar names in full; an option that is not listed
leaves the key as it was. Sizes, formats, qualities and crops that the server chooses (centre,
square, faces) are one picture. A region by coordinates is a part of a picture, and not the same;
so are overlays, effects and rotations.

The key of a picture is the platform's address of the original where that follows from the URL,
else any stable key in the form of URL keys; the plug-in's `Decision` says which. It is used
for comparing, and need not be an address that answers.

Left out: Instagram and Facebook (`cdninstagram.com`, `fbcdn.net`). The size is in a signed query
(`stp`, `oh`), whose grammar is not published and may name a region.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import unquote

from registry.plugins import discover
from registry.urls.key import url_key

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

# Longer keys are left alone; servers accept 8,000 octets (RFC 9110, section 4.1).
LONGEST = 8192
# Hosts whose plug-ins are kept.
_MOST_KEPT = 4096
# Most changes of one key: a proxy's address of a proxy's address of a size, and some more.
MOST_CHANGES = 8


@cache
def plugins() -> dict[str, ModuleType]:
    """Return every plug-in by name."""
    return discover(__name__, ("HINT", "picture"))


@cache
def hint() -> str:
    """Return the regular expression of RE2 that every key which a plug-in changes matches."""
    return "|".join(f"(?:{plugin.HINT})" for plugin in plugins().values())


def same_picture(key: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the key that all sizes of a picture have, and the plug-ins that changed it.

    None if no plug-in changes the key, or if the changes have no end within MOST_CHANGES. The
    key that is returned has no other key: for it the result is None. Never raises.
    """
    used: dict[str, None] = {}
    if len(key) > LONGEST:
        return None
    for _ in range(MOST_CHANGES + 1):
        change = _change(key)
        if change is None:
            return (key, tuple(used)) if used else None
        name, key = change
        used[name] = None
    return None


def is_address(picture: str, key: str) -> bool:
    """Return whether the key of a picture (of `same_picture`) is the address of its original.

    It is on the host of the URL or, if that is a proxy's, on one that the URL names.
    """
    host, own = (one[2:].partition("/")[0] for one in (picture, key))
    return host == own or host in unquote(key.removeprefix(f"//{own}")).lower()


def _change(key: str) -> tuple[str, str] | None:
    """Return the first plug-in that changes a key, and the key that it gives."""
    for name, picture_of in _plugins_of(key[2:].partition("/")[0]):
        picture = picture_of(key)
        if picture is not None and picture[-3:-2] == "%":
            # Without its query, a key may end in what is invisible.
            picture = url_key(picture)
        if picture is not None and picture != key:
            return name, picture
    return None


@lru_cache(_MOST_KEPT)
def _plugins_of(host: str) -> tuple[tuple[str, Callable[[str], str | None]], ...]:
    """Return the plug-ins that may change keys of a host: its own, and those of every host."""
    return tuple(
        (name, plugins()[name].picture)
        for name, hosts in _hosts().items()
        if hosts is None or hosts.fullmatch(host)
    )


@cache
def _hosts() -> dict[str, re.Pattern[str] | None]:
    """Return the pattern of each plug-in's own hosts; None if it is of every host."""
    patterns = ((name, getattr(plugin, "HOST", None)) for name, plugin in plugins().items())
    return {name: pattern and re.compile(pattern) for name, pattern in patterns}


def candidates(keys: pa.Array) -> NDArray[np.bool_]:
    """Return which URL keys of a column may have another key; False is certain, also for null."""
    import pyarrow.compute as pc

    found = pc.fill_null(pc.match_substring_regex(keys, hint()), False)
    mask: NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
    return mask
