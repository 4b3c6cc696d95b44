"""Discovery of plug-ins: the file name is the plug-in's name.

A plug-in is a module in a package; files that start with `_` are helpers of
the plug-ins and are not discovered. There is no list to edit.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def discover(package: str) -> dict[str, ModuleType]:
    """Import every plug-in of a package and return them by name, sorted."""
    parent = importlib.import_module(package)
    names = sorted(
        info.name for info in pkgutil.iter_modules(parent.__path__) if not info.name.startswith("_")
    )
    return {name: importlib.import_module(f"{package}.{name}") for name in names}
