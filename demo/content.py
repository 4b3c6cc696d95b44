"""Makes the sample site's responses: files of `demo/site/` with their placeholders filled in.

This module opens no socket; `demo.server` sends the responses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

ROOT = Path(__file__).with_name("site")
FOLDERS = {"site": "www", "cdn": "cdn", "other": "other"}
TEMPLATES = {".html", ".txt", ".xml"}
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "application/xml",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
}
FIRST_YEAR, LAST_YEAR = 1900, 2999

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SiteResponse:
    """The response to one GET, before conditional headers are applied."""

    status: int
    headers: Headers
    body: bytes


def content_type(path: str) -> str:
    """Return the media type of a path by its ending; HTML if it has none."""
    return CONTENT_TYPES.get(Path(path).suffix, CONTENT_TYPES[".html"])


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return text with every `{{name}}` of `values` replaced."""
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def months(query: str) -> dict[str, str]:
    """Return the month of a calendar page (`YYYY-MM`) with the previous and the next.

    A wrong month counts as 2026-03; years are limited to FIRST_YEAR to LAST_YEAR.
    """
    year, _, month = parse_qs(query).get("month", ["2026-03"])[0].partition("-")
    if not (year.isdecimal() and month.isdecimal() and len(year + month) <= 6):
        year, month = "2026", "03"
    count = min(max(int(year), FIRST_YEAR), LAST_YEAR) * 12 + (int(month) - 1) % 12
    shifted = {"previous": count - 1, "month": count, "next": count + 1}
    return {name: f"{value // 12}-{value % 12 + 1:02d}" for name, value in shifted.items()}


class Content:
    """The files of the three hosts, with the headers that `headers.json` gives them."""

    def __init__(self, root: Path) -> None:
        """Read the header rules below `root`."""
        self._root = root
        self._rules = json.loads((root / "headers.json").read_text("utf-8"))

    def answer(self, role: str, target: str, netlocs: Mapping[str, str]) -> SiteResponse:
        """Return the response of host `role` to a GET of a request target.

        `netlocs` maps `site`, `cdn` and `other` to host and port.
        """
        parts = urlsplit(target)
        path = unquote(parts.path)
        folder = (self._root / FOLDERS[role]).resolve()
        file = (folder / path.lstrip("/")).resolve()
        if not file.is_relative_to(folder):
            return self._not_found(netlocs)
        if file.is_dir() and not path.endswith("/"):
            return SiteResponse(301, (("Location", path + "/"),), b"")
        file = file / "index.html" if file.is_dir() else file
        if not file.is_file():
            return self._not_found(netlocs)
        body = file.read_bytes()
        if file.suffix in TEMPLATES:
            body = filled(body.decode("utf-8"), {**netlocs, **months(parts.query)}).encode()
        return SiteResponse(200, self._headers(role, path, file), body)

    def _not_found(self, netlocs: Mapping[str, str]) -> SiteResponse:
        page = (self._root / "not-found.html").read_text("utf-8")
        headers = (("Content-Type", CONTENT_TYPES[".html"]),)
        return SiteResponse(404, headers, filled(page, netlocs).encode())

    def _headers(self, role: str, path: str, file: Path) -> Headers:
        """Return the media type and, in order, the headers of every rule that matches."""
        ruled = (
            (name, value)
            for rule in self._rules
            if rule["host"] == role and fnmatchcase(path, rule["path"])
            for name, value in rule["headers"]
        )
        return (("Content-Type", content_type(file.name)), *ruled)
