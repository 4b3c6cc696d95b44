"""A real static site for tests: sources that Hugo generates, served by nginx on loopback."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servers import open_folder
from web_servers import account, hand_over, missing, nginx, program

LAYOUTS = Path(__file__).parent / "sites" / "hugo" / "layouts"
PAGE_SIZE = 8


def missing_for_static_site() -> list[str]:
    """Return the programs that are not installed."""
    return missing(["hugo", "nginx"])


@dataclass
class StaticSite:
    """A served site; `url` has no slash at its end. What a test changes counts from `generate`."""

    folder: Path
    url: str
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def works(self) -> Path:
        """Return the folder of the sources, with one folder a work."""
        return self.folder / "content" / "works"

    def work(self, name: str, picture: bytes | None = None, **front: Any) -> None:
        """Add a work, or change its picture or its front matter (`date`, `lastmod`, `mark`)."""
        source = self.works / name
        source.mkdir(parents=True, exist_ok=True)
        page = source / "index.md"
        known = json.loads(page.read_text()) if page.exists() else {"title": name}
        page.write_text(json.dumps(known | front))
        if picture is not None:
            (source / f"{name}.jpg").write_bytes(picture)

    def remove(self, name: str) -> None:
        """Remove a work."""
        shutil.rmtree(self.works / name)

    def generate(self) -> None:
        """Write what the web server serves; what is no longer in the sources goes.

        Hugo itself leaves the pages of removed sources there, as its users do who forget them.
        """
        for path in (self.folder / "public").iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        config = {
            "baseURL": f"{self.url}/",
            "title": "Prints",
            "enableRobotsTXT": True,
            "disableKinds": ["taxonomy", "term"],
            "timeZone": "UTC",
            "paginate": PAGE_SIZE,
            "params": self.params,
        }
        (self.folder / "config.json").write_text(json.dumps(config))
        hand_over(self.folder)
        asked = ["--source", str(self.folder), "--config", str(self.folder / "config.json")]
        cache = ["--cacheDir", str(self.folder / "cache"), "--quiet"]
        subprocess.run([str(program("hugo")), *asked, *cache], check=True, **account())


@contextmanager
def static_site() -> Iterator[StaticSite]:
    """Serve a site without works, which is not generated yet."""
    with open_folder("optout-static-") as folder:
        shutil.copytree(LAYOUTS, folder / "layouts")
        (folder / "public").mkdir()
        hand_over(folder)
        with nginx(folder, f"root {folder}/public;") as url:
            yield StaticSite(folder, url)
