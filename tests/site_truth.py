"""What is true of a site, and what a registry that follows it must therefore hold, for tests.

Nothing here reads a page: the truth comes from a database or from sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# The text of each mark of a page by its carrier.
Marks = Mapping[str, str]
# Kind, URL, names of marks, text before, text after.
Told = tuple[str, str, tuple[str, ...], str, str]
# Image, page, sha256 of the picture, texts of the marks; and whether the URL still shows it.
Entry = tuple[str, str, str, tuple[str, ...], bool]


@dataclass
class TruePage:
    """A page: its marks, and the URL that each image URL on it is a size of."""

    marks: Marks = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)


@dataclass
class Truth:
    """A site: its pages and the sha256 of its largest pictures, by URL, and whom it refuses."""

    url: str
    pages: dict[str, TruePage] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()

    def shown(self) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
        """Yield each image URL on each page, with the picture's sha256 and the page's marks."""
        for page_url, page in self.pages.items():
            texts = tuple(sorted(page.marks.values()))
            for image_url, largest in page.images.items():
                yield image_url, page_url, self.files[largest], texts

    def pictures(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Return the pictures that a crawler fetches: sha256, and the names of their marks."""
        found: dict[str, tuple[str, tuple[str, ...]]] = {}
        for page in self.pages.values():
            names = names_of(*page.marks.values())
            for largest in page.images.values():
                known = found.get(largest, ("", ()))[1]
                found[largest] = (self.files[largest], max(known, names))
        return found


def names_of(*texts: str) -> tuple[str, ...]:
    """Return the names of the marks in texts."""
    return tuple(name for name in ("noai", "noimageai") if any(name in text for text in texts))


def entries(before: Truth, after: Truth) -> set[Entry]:
    """Return what a registry holds that saw a site before and after its changes.

    What is not shown any more stays as it was; a picture that another one replaced keeps its
    marks, but not its URL.
    """
    old = {(image, page): (sha, marks) for image, page, sha, marks in before.shown()}
    new = {(image, page): (sha, marks) for image, page, sha, marks in after.shown()}
    held = {(*place, *what, True) for place, what in (old | new).items()}
    replaced = {place for place in old.keys() & new.keys() if old[place][0] != new[place][0]}
    return held | {(*place, *old[place], False) for place in replaced}


def events(before: Truth, after: Truth) -> set[Told]:
    """Return the events between two states of a site that its next visits find at once."""
    told = set(_mark_events(before, after))
    old, new = before.pictures(), after.pictures()
    for url, (sha, names) in new.items():
        if url not in old:
            told.add(("picture-new", url, names, "", ""))
        elif old[url][0] != sha:
            told.add(("picture-replaced", url, names, "", ""))
    for agent in after.refused:
        if agent not in before.refused:
            text = f"Disallow: / (for {agent.lower()})"
            robots = f"{after.url}/robots.txt"
            told.add(("mark-appeared", robots, ("robots-txt:disallow",), "", text))
    return told


def stale(before: Truth, after: Truth) -> set[Told]:
    """Return the events of the pictures that are not shown any more."""
    gone = before.pictures().keys() - after.pictures().keys()
    return {("picture-stale", url, (), "", "") for url in gone}


def _mark_events(before: Truth, after: Truth) -> Iterator[Told]:
    for url in before.pages.keys() & after.pages.keys():
        old, new = before.pages[url].marks, after.pages[url].marks
        for carrier in {*old, *new}:
            texts = old.get(carrier, ""), new.get(carrier, "")
            if texts[0] == texts[1]:
                continue
            kind = "appeared" if not texts[0] else "changed" if texts[1] else "removed"
            yield (f"mark-{kind}", url, names_of(texts[1] or texts[0]), *texts)
