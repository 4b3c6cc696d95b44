"""Discovery of plug-ins: the file name is the plug-in's name.

A plug-in is a module in a package; files that start with `_` are helpers of
the plug-ins and are not discovered. There is no list to edit.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from registry.errors import PluginIncomplete


def discover(package: str, needs: tuple[str, ...] = ()) -> dict[str, ModuleType]:
    """Import every plug-in of a package and return them by name, sorted.

    Raises PluginIncomplete if one lacks a name in `needs`.
    """
    parent = importlib.import_module(package)
    names = sorted(
        info.name for info in pkgutil.iter_modules(parent.__path__) if not info.name.startswith("_")
    )
    plugins = {name: importlib.import_module(f"{package}.{name}") for name in names}
    for name, plugin in plugins.items():
        missing = [need for need in needs if not hasattr(plugin, need)]
        if missing:
            file = f"{package.replace('.', '/')}/{name}.py"
            raise PluginIncomplete(f"{file} has no {' and no '.join(missing)}")
    return plugins
