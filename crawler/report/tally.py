"""The counts of a visit, for its progress and its summary. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from registry.model import Evidence, Observation
from registry.signals import read, unread


@dataclass(slots=True)
class VisitTally:
    """Counts of one visit.

    `images` counts different files, `unchanged` the images with a 304 response;
    `refused` counts image URLs by reason, `pages_refused` pages by reason; `marks`
    counts signals by name, each page's, image's and site's once; `reserved` counts the
    signals that reserve a use. `unread` counts pieces of evidence with a part that no
    reader reads.
    """

    pages: int = 0
    observations: int = 0
    unchanged: int = 0
    errors: int = 0
    reserved: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    pages_refused: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)
    unread: int = 0
    _files: set[str] = field(default_factory=set)

    @property
    def images(self) -> int:
        """Return the number of different image files."""
        return len(self._files)

    def evidence(self, pieces: Iterable[Evidence]) -> list[tuple[str, str]]:
        """Count the signals in new evidence.

        Return the URL and a warning for each part that was not read.
        """
        unread_parts: list[tuple[str, str]] = []
        for piece in pieces:
            reading = read(piece)
            warnings = unread(reading)
            self.unread += bool(warnings)
            unread_parts += [(piece.url, text) for text in warnings]
            for signal in reading.signals:
                self.marks[signal.name] += 1
                self.reserved += any(meaning == "reserved" for _, meaning in signal.uses)
        return unread_parts

    def observation(self, observation: Observation) -> None:
        """Count one observation."""
        self.observations += 1
        if observation.picture is not None:
            self._files.add(observation.picture.sha256)
        if observation.refusal is not None:
            self.refused[observation.refusal] += 1

    def line(self) -> str:
        """Return the counts as one short line."""
        refused = sum(self.refused.values()) + sum(self.pages_refused.values())
        return (
            f"{self.pages} pages, {self.images} images, {self.reserved} reserving marks, "
            f"{refused} refused"
        )

    def counts(self) -> dict[str, int]:
        """Return all counts flat (`refused.http-404`), as the database stores them."""
        plain = {
            "pages": self.pages,
            "images": self.images,
            "observations": self.observations,
            "unchanged": self.unchanged,
            "errors": self.errors,
        }
        groups = {
            "refused": self.refused,
            "pages_refused": self.pages_refused,
            "marks": self.marks,
        }
        flat = {
            f"{group}.{name}": n for group, counted in groups.items() for name, n in counted.items()
        }
        return plain | dict(sorted(flat.items()))
