"""Where the registry keeps its files when nobody says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

from registry.errors import UsageError


def registry_home() -> Path:
    """Return `REGISTRY_HOME`, or the user's data folder for this program.

    For root it is a folder under /var/lib: the embedded PostgreSQL cannot run
    as root, and its own user must be able to reach the data without anybody
    opening /root to it. Raises UsageError for a name that PostgreSQL cannot take.
    """
    named = os.environ.get("REGISTRY_HOME")
    if named:
        home = Path(named).expanduser().absolute()
        # PostgreSQL's own files hold the name of its folder on one line.
        if "\n" in str(home):
            raise UsageError(
                f"REGISTRY_HOME cannot be used: the name of the folder {home} holds a line break",
                "name a folder without one",
            )
        return home
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/optout-registry")
    import platformdirs

    return Path(platformdirs.user_data_dir("optout-registry"))
