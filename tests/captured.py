"""Captured pages: tests/captures/README.md says what they are."""

from __future__ import annotations

from pathlib import Path

from crawler.pages.reading import PageResponse

CAPTURES = Path(__file__).parent / "captures"
# The kind of a page by the ending of its file, and the form of its first line.
KINDS = {".html": "html", ".page.json": "json"}
FIRST_LINES = {"html": ("<!--", "-->"), "json": ("//", "")}
EXPECTED = ".expected.json"
HELP = "tests/captures/README.md says how"


def kind_of(page: Path) -> str | None:
    """Return the kind of a captured page, `html` or `json`; None for other files."""
    return next((kind for ending, kind in KINDS.items() if page.name.endswith(ending)), None)


def stem_of(file: Path) -> str:
    """Return the name of a capture, which its page and its expected file share."""
    return file.name.partition(".")[0]


def pages(folder: Path) -> list[Path]:
    """Return the captured pages below a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if kind_of(path))


def response(page: Path) -> PageResponse:
    """Return a captured page as the response that its spider reads.

    Raises ValueError if its first line does not hold its address.
    """
    text = page.read_text("utf-8")
    kind = kind_of(page) or ""
    begin, end = FIRST_LINES[kind]
    first, _, rest = text.partition("\n")
    url = first.strip().removeprefix(begin).removesuffix(end).strip()
    if not (first.startswith(begin) and url.startswith(("http://", "https://"))):
        form = f"{begin} https://... {end}".strip()
        raise ValueError(f"{page.name}: the first line is not `{form}`; {HELP}")
    # In HTML the line is a comment; JSON has none, so the spider does not get it.
    return PageResponse(text if kind == "html" else rest, url, kind)
