"""The rows of a snapshot, whether it is opened or still being written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from registry.snapshot.entries import Entries
    from registry.snapshot.manifest import Manifest
    from registry.snapshot.mapped import MappedFile
    from registry.snapshot.pictures import Pictures
    from registry.snapshot.segments import Rows
    from registry.snapshot.site_entries import Sites


class Content(ABC):
    """The rows of the segments that a manifest lists."""

    manifest: Manifest

    def __init__(self) -> None:
        """Start with nothing opened."""
        self._rows: dict[str, Rows] = {}

    @abstractmethod
    def file(self, name: str) -> MappedFile:
        """Return one file, mapped."""

    def rows(self, kind: str) -> Rows:
        """Return all rows of a kind, in the order of their segments."""
        from registry.snapshot.segments import Rows

        if kind not in self._rows:
            names = [s.files[kind] for s in self.manifest.segments if kind in s.files]
            counts = [self.manifest.files[name].rows for name in names]
            self._rows[kind] = Rows(kind, [*zip(names, counts, strict=True)], self.file)
        return self._rows[kind]

    @cached_property
    def entries(self) -> Entries:
        """What is known of pictures: by a crawl first, then by claims."""
        from registry.snapshot.entries import Entries

        return Entries(self.rows("observations"), self.rows("claims"))

    @cached_property
    def pictures(self) -> Pictures:
        """The pictures with their hashes: those of a crawl first, then one for each claim."""
        from registry.snapshot.pictures import Pictures

        return Pictures(self.rows("pictures"), self.rows("claims"))

    @cached_property
    def sites(self) -> Sites:
        """The rules of sites: of their files first, then claims about them."""
        from registry.snapshot.site_entries import Sites

        return Sites(self.rows("site-files"), self.rows("site-claims"))
