"""What a target of a lookup is: a picture file, a URL or a hash."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from registry.errors import UsageError
from registry.files import refuse_special
from registry.lookups.answer import Kind
from registry.model import HASH_BYTES
from registry.signals import carriers

HEX = re.compile(r"[0-9a-fA-F]+")
LENGTHS: dict[int, Kind] = {
    2 * HASH_BYTES["phash64"]: "phash64",
    2 * HASH_BYTES["phash256"]: "256 bits",
    2 * HASH_BYTES["md5"]: "md5",
}
HINT = "a hash has 16 (phash64), 64 (phash256 or sha256) or 32 (md5) hex digits"
_LIKE_A_HOST = re.compile(r"(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?", re.IGNORECASE)


def kind_of(target: str) -> Kind:
    """Return the kind of a target.

    Raises UsageError for an unknown kind, RefusedFile for a device or a pipe.
    """
    if target.lower().startswith(("http://", "https://")):
        return "url"
    is_folder = _exists(target, Path.is_dir)
    if _exists(target, Path.exists) and not is_folder:
        refuse_special(Path(target))
        return "picture"
    if HEX.fullmatch(target) and len(target) in LENGTHS:
        return LENGTHS[len(target)]
    if target and is_folder:
        raise UsageError(f"{target} is a folder", f"registry check {target}")
    is_file = Path(target).suffix.lower() in carriers().of_ending
    is_host = _LIKE_A_HOST.fullmatch(target) and not is_file
    site = f"for a site: https://{target}/, or registry history {target}"
    raise UsageError(
        f"{target or 'an empty text'} is not an existing picture file, an http(s) URL or a hash",
        site if is_host else HINT,
    )


def _exists(target: str, test: Callable[[Path], bool]) -> bool:
    try:
        return test(Path(target))
    except OSError:  # the name is too long
        return False
