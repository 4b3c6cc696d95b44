"""What is true of a static site, by its sources: works, their pictures and marks, their lists."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from site_truth import TruePage, Truth
from static_site import PAGE_SIZE, StaticSite


def static_truth(site: StaticSite) -> Truth:
    """Return what is true of a site that was generated after its last change."""
    truth = Truth(site.url, refused=tuple(site.params.get("refused", ())))
    fronts = {path.parent: json.loads(path.read_text()) for path in site.works.glob("*/index.md")}
    works = sorted(fronts, key=lambda work: fronts[work]["date"], reverse=True)
    small = {}
    for work in works:
        mark = fronts[work].get("mark") or site.params.get("mark")
        marks = {"html": f'<meta name="robots" content="{mark}">'} if mark else {}
        largest = f"{site.url}/works/{work.name}/{work.name}.jpg"
        small[work], half = _made(site, work, "240x240_fill"), _made(site, work, "600x0_resize")
        truth.pages[f"{site.url}/works/{work.name}/"] = TruePage(
            marks, {largest: largest, half: largest}
        )
        truth.files[largest] = _sha256(work / f"{work.name}.jpg")
        truth.files[small[work]] = _sha256(
            site.folder / "public" / small[work][len(site.url) + 1 :]
        )
    for path in ("/", "/works/"):
        for at in range(0, len(works), PAGE_SIZE):
            number = at // PAGE_SIZE + 1
            url = site.url + (path if number == 1 else f"{path}page/{number}/")
            shown = [small[work] for work in works[at : at + PAGE_SIZE]]
            truth.pages[url] = TruePage(images={url: url for url in shown})
    return truth


def _made(site: StaticSite, work: Path, how: str) -> str:
    """Return the URL of the size of a work's picture that Hugo has made of its present bytes."""
    size = (work / f"{work.name}.jpg").stat().st_size
    folder = site.folder / "public" / "works" / work.name
    (path,) = folder.glob(f"{work.name}_hu*_{size}_{how}_*.jpg")
    return f"{site.url}/works/{work.name}/{path.name}"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
