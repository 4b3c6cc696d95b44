"""The folder where the registry keeps its files."""

from __future__ import annotations

import os
from pathlib import Path

from registry.errors import UsageError


def registry_home() -> Path:
    """Return `REGISTRY_HOME`, or the user's data folder for this program.

    For root it is a folder under /var/lib: the embedded PostgreSQL cannot run as root,
    and its own user cannot enter /root. Raises UsageError for a name with a line break,
    which PostgreSQL cannot use.
    """
    named = os.environ.get("REGISTRY_HOME")
    if named:
        home = Path(named).expanduser().absolute()
        # PostgreSQL writes the name of its folder into its own files as one line.
        if "\n" in str(home):
            raise UsageError(
                f"REGISTRY_HOME {home} has a line break in its name",
                "choose a folder without one",
            )
        return home
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/optout-registry")
    import platformdirs

    return Path(platformdirs.user_data_dir("optout-registry"))
