"""The rows that a snapshot is built from, read by segment."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

from registry.db.rows import EvidenceRow, ImageRow, ObservationRow, SiteRuleRow, ViewRow

if TYPE_CHECKING:
    import pyarrow as pa

# What is read together, by segments (SEGMENT_BITS of `registry.db.rows`). Pictures come with their
# views. All readings of one image URL on one page are in the segment of the first of them; so are
# those of one site file.
Group = Literal["pictures", "observations", "site-files", "claims"]


class Source(Protocol):
    """The input of a build: `registry.db.export.Export`, or an object of a test."""

    def sums(self, group: Group) -> Mapping[int, str]:
        """Return a text by number of segment, which changes whenever a row of it does.

        Segments without rows are not in it.
        """

    def host_sums(self) -> Mapping[str, str]:
        """Return by host, as recorded, a text that changes with any reading of its site files."""

    def pictures(self, number: int) -> Iterator[ImageRow]:
        """Yield the pictures of a segment by id."""

    def views(self, number: int) -> Iterator[ViewRow]:
        """Yield the further views of the pictures of a segment, by picture and view."""

    def picture_digests(self, ids: Collection[int]) -> Mapping[int, bytes]:
        """Return the sha256 of pictures by id."""

    def evidence(self, ids: Collection[int]) -> Iterator[EvidenceRow]:
        """Yield these pieces of evidence."""

    def observations(self, number: int) -> Iterator[ObservationRow]:
        """Yield the observations of a segment by image URL and page URL, oldest first."""

    def site_files(self, number: int) -> Iterator[SiteRuleRow]:
        """Yield the readings of a segment's site files by host, kind and URL, oldest first."""

    def site_files_of(self, hosts: Collection[str]) -> Iterator[SiteRuleRow]:
        """Yield the same of some hosts, as recorded."""

    def claims(self, number: int) -> pa.Table:
        """Return the claims of a segment that are not withdrawn, by id.

        Columns, of these types, none of them packed: `id` int64; `source`, `url`, `page_url`,
        `site`, `path_pattern`, `meaning`, `use`, `signal`, `evidence`, `licence_url`,
        `file_name`, `claimant` string; `sha256`, `phash256` binary(32), `md5` binary(16);
        `phash64` uint64; `width`, `height` int32; `since` timestamp("us", "UTC"). A restored
        claim is dated from its restoration. `claimant` is only that of a condition.
        """
