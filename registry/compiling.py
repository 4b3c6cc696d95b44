"""Compiles kernels with numba, and caches their machine code for later processes.

numba's own cache notices a change of the file that a kernel is in, and of nothing that the kernel
uses from other files. Here the folder is named by a digest of all files with kernels and with the
constants in them.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba

# Rooms with kernels.
_ROOMS = ("urls", "matching")
_PREFIX = "kernels-"


def compiled(
    *signatures: Any, **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that compiles a function without the GIL, for these signatures if given.

    numba's own threads are not used: they cannot be called from two Python threads at once,
    and do not work after a fork.
    """
    njit: Any = numba.njit
    config: Any = numba.config

    def compile_(function: Callable[..., Any]) -> Any:
        folder = _folder()
        if folder is None:
            return njit(*signatures, nogil=True, **options)(function)
        before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
        try:
            return njit(*signatures, cache=True, nogil=True, **options)(function)
        finally:
            config.CACHE_DIR = before

    return compile_


@cache
def _folder() -> Path | None:
    """Return the folder for machine code; None if none can be written."""
    from platformdirs import user_cache_path

    package = Path(__file__).parent
    name = _PREFIX + _digest(package)
    for parent in (package / "__pycache__", user_cache_path("optout-registry")):
        with suppress(OSError):
            (parent / name).mkdir(parents=True, exist_ok=True)
            if parent.parent == package:
                _remove_others(parent, name)
            return parent / name
    return None


def _digest(package: Path) -> str:
    """Return a digest of the files that kernels are made of."""
    digest = hashlib.sha256()
    for room in _ROOMS:
        for file in sorted((package / room).glob("*.py")):
            digest.update(file.name.encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _remove_others(parent: Path, name: str) -> None:
    """Remove the machine code of earlier versions of this package."""
    for other in parent.glob(f"{_PREFIX}*"):
        if other.name != name:
            shutil.rmtree(other, ignore_errors=True)
