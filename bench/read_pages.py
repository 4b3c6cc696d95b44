"""Reads pages as a visit does, and prints the processor time of each step.

    .venv/bin/python -m bench.read_pages [--runs N] [--page FILE]

The pages are made here: galleries of up to 500 images, with and without sizes as
WordPress writes them, prose, and a small page; or a real one (`.gz` is possible).
Each page is read under a new URL, so that no URL is cached. Prints medians in
milliseconds; the last column is the time in which BeautifulSoup with lxml only parses
the page. With `--limit X` it fails if that is not X times the time of our parser.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from bs4 import BeautifulSoup

from bench.read_html import CARD, HEAD, PROSE
from crawler.pages.images import images_in
from crawler.pages.links import links_in
from crawler.pages.markup import parsed
from crawler.pages.reading import Page, PageResponse, load, parse_page, read_text
from registry.signals import page_excerpt

UPLOADS = "https://art.example/wp-content/uploads/2024/05/work-{n}"
SIZES = ", ".join(f"{UPLOADS}-{size}.jpg {size[:-4]}w" for size in ("1024x683", "768x512"))
WORDPRESS = f"""<figure class="wp-block-image size-large"><a href="{UPLOADS}.jpg"><img
loading="lazy" width="1024" height="683" src="{UPLOADS}-1024x683.jpg" alt="Work" class="wp-image"
srcset="{SIZES}, {UPLOADS}-300x200.jpg 300w, {UPLOADS}.jpg 1500w" sizes="100vw" /></a>
<figcaption>Work, oil on <em>canvas</em> &amp; wood</figcaption></figure>
<p>Some words on <strong>it</strong> and how <a href="/works/{{n}}/">it was made</a>.</p>
"""


def made_pages() -> dict[str, str]:
    """Return pages by a name for their content."""
    contents = {
        "a picture": (CARD, 1),
        **{f"gallery, {number} images": (CARD, number) for number in (50, 200, 500)},
        **{f"WordPress, {number} images": (WORDPRESS, number) for number in (10, 50, 200)},
        "prose": (PROSE, 300),
    }
    return {
        name: HEAD + "".join(piece.format(n=n) for n in range(number)) + "</body></html>"
        for name, (piece, number) in contents.items()
    }


def median(work: Callable[[str, str], object], html: str, runs: int) -> float:
    """Return the milliseconds of processor time that a call takes, on a new URL each."""
    times = []
    for run in range(runs):
        page, url = html + " " * run, f"https://art{run}.example/{run}/"
        started = time.process_time()
        work(page, url)
        times.append(time.process_time() - started)
    return statistics.median(times) * 1000


def measured(html: str, runs: int) -> dict[str, float]:
    """Return the milliseconds of reading a page and of its steps."""
    elements = parsed(html)
    steps: dict[str, Callable[[str, str], object]] = {
        "all": lambda page, url: read_text(Page(PageResponse(page, url), parse_page)),
        "parse": lambda page, _: parsed(page),
        "images": lambda _, url: images_in(elements, url),
        "links": lambda _, url: links_in(elements, url),
        "excerpt": page_excerpt,
        "soup": lambda page, _: BeautifulSoup(page, "lxml"),
    }
    return {name: median(step, html, runs) for name, step in steps.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=31)
    parser.add_argument("--page", type=Path, help="a page in a file, gzipped or not")
    parser.add_argument("--limit", type=float, default=0.0)
    options = parser.parse_args()
    load()
    pages = made_pages()
    if options.page:
        content = options.page.read_bytes()
        text = gzip.decompress(content) if options.page.suffix == ".gz" else content
        pages[options.page.name] = text.decode("utf-8", "replace")
    steps = ("all", "parse", "images", "links", "excerpt", "soup")
    print(f"{'page':28}{'KB':>6}{'tags':>7}" + "".join(f"{step:>9}" for step in steps))
    for name, page in pages.items():
        times = measured(page, options.runs)
        row = "".join(f"{times[step]:9.2f}" for step in steps)
        print(f"{name[:27]:28}{len(page) / 1000:6.0f}{page.count('<'):7}{row}")
        if times["soup"] < options.limit * times["parse"]:
            raise SystemExit(f"{name}: below {options.limit:g}x")


if __name__ == "__main__":
    main()
