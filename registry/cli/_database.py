"""Refuses commands that only read the database where there is none."""

from __future__ import annotations

import os

from registry.errors import DatabaseUnavailable


def refuse_without_database(message: str, hint: str) -> None:
    """Raise DatabaseUnavailable where opening would create an empty embedded database."""
    from registry.db.connect import is_embedded
    from registry.db.server_setup import has_data
    from registry.home import registry_home

    if os.name != "nt" and is_embedded() and not has_data(registry_home()):
        raise DatabaseUnavailable(message, hint)
