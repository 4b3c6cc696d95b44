"""Compares all readers of a page with parsing the whole page by BeautifulSoup and lxml.

    .venv/bin/python -m bench.read_html [--runs N] [--page FILE]

Reads pages of 100 KB with their marks in the head, made here, and a real one if given
(`.gz` is possible). Both take turns on the same text in one process; every page is new
to the readers, so nothing is cached. Prints medians of processor time and the ratio of the
rates, and checks that both find the same robots directives. With `--limit X`
it fails if a made page with enough tags falls below that ratio.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from bs4 import BeautifulSoup

from registry.model import Evidence
from registry.signals import read

SIZE = 100_000
HEAD = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<title>A picture</title><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="A picture of a boat"><link rel="canonical" href="/art/1">
<meta name="robots" content="max-image-preview:large, noai, noimageai">
<meta property="og:title" content="A picture"><meta property="og:image" content="/full/1.jpg">
<link rel="stylesheet" href="/site.css"><link rel="license" href="/licence">
<script src="/site.js" async></script><style>img { max-width: 100% }</style></head><body>
"""
CARD = """<li class="card"><a href="/art/{n}" title="it's > {n}"><img src="/small/{n}.jpg" \
alt="Picture {n}" width="300" height="200"></a><p>Oil on <b>wood</b></p></li>
"""
PROSE = "<p>{n}. " + "Words about a picture, its maker and its long way here. " * 4 + "</p>\n"
LINES = '<div class="line"><a href="/art/{n}">Picture {n}</a><br>some words about it</div>\n'
END = '<script>track("page");</script></body></html>'


def made_pages() -> dict[str, str]:
    """Return pages of 100 KB by a name for the content of their bodies."""
    pieces = {"cards": CARD, "lines": LINES, "prose": PROSE}
    pages = {name: filled(piece, "</body></html>") for name, piece in pieces.items()}
    return {**pages, "cards, a script last": filled(CARD, END)}


def filled(piece: str, end: str) -> str:
    """Return a page of at least SIZE characters."""
    parts, size = [HEAD], len(HEAD) + len(end)
    while size < SIZE:
        parts.append(piece.format(n=len(parts)))
        size += len(parts[-1])
    return "".join([*parts, end])


def soup_answer(page: str) -> set[str]:
    """Return the directives of a page's robots meta tags, as found by the whole parser."""
    soup = BeautifulSoup(page, "lxml")
    contents = [str(meta.get("content")) for meta in soup.find_all("meta", {"name": "robots"})]
    return {word.strip().lower() for content in contents for word in content.split(",")}


def our_answer(page: str, url: str) -> set[str]:
    """Return the names of the signals that all readers find."""
    return {signal.name for signal in read(Evidence("html", "page", url, text=page)).signals}


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of processor time that one call takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def compare(page: str, url: str, runs: int) -> tuple[float, float]:
    """Return the median seconds of our readers and of the whole parser, taking turns."""
    ours, soups = [], []
    for run in range(runs):
        fresh = page + " " * run
        ours.append(timed(lambda fresh=fresh: our_answer(fresh, url)))
        soups.append(timed(lambda fresh=fresh: BeautifulSoup(fresh, "lxml")))
    return statistics.median(ours), statistics.median(soups)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--page", type=Path, help="a page in a file, gzipped or not")
    parser.add_argument("--url", default="https://gallery.example/art/1", help="the pages' URL")
    parser.add_argument("--limit", type=float, default=0.0)
    options = parser.parse_args()
    pages = made_pages()
    if options.page:
        content = options.page.read_bytes()
        text = gzip.decompress(content) if options.page.suffix == ".gz" else content
        pages[options.page.name] = text.decode("utf-8", "replace")
    print(f"{'page':28}{'KB':>6}{'tags':>7}{'readers':>10}{'parser':>10}{'pages/s':>9}{'ratio':>8}")
    for name, page in pages.items():
        directives = {"noai", "noimageai", "noml", "noindex"}
        assert our_answer(page, options.url) & directives == soup_answer(page) & directives, name
        ours, soup = compare(page, options.url, options.runs)
        tags = page.count("<")
        print(
            f"{name[:27]:28}{len(page) / 1000:6.0f}{tags:7}{ours * 1000:7.2f} ms"
            f"{soup * 1000:7.1f} ms{1 / ours:9,.0f}{soup / ours:7.0f}x"
        )
        if name in made_pages() and tags > 1000 and soup / ours < options.limit:
            raise SystemExit(f"{name}: below {options.limit:g}x")


if __name__ == "__main__":
    main()
