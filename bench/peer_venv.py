"""A virtual environment of its own for the peers of a benchmark."""

from __future__ import annotations

import hashlib
import subprocess
import venv
from pathlib import Path

import platformdirs


def made(pins: Path) -> Path:
    """Return a virtual environment with the packages of a list, made at the first run.

    The list is whole: each package is installed without what it says it needs.
    """
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()
    place = platformdirs.user_cache_path("optout-registry") / f"peers-{digest[:16]}"
    if not (place / "done").exists():
        venv.create(place, with_pip=True, clear=True)
        install = ("-m", "pip", "install", "--quiet", "--no-deps", "-r", pins)
        subprocess.run([place / "bin" / "python", *install], check=True)
        (place / "done").touch()
    return place
