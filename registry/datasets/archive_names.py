"""Names in archives that would lie elsewhere if the archive were unpacked (pure)."""

from __future__ import annotations

import re

LEADS_OUT = "its name leads out of the folder in which the archive is unpacked"
_DRIVE = re.compile(r"[A-Za-z]:")


def leads_out(name: str) -> bool:
    """Return whether a name is that of a file in another folder, if the archive is unpacked."""
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or not parts[0] or bool(_DRIVE.match(name))
