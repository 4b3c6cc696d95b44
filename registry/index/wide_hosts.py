"""The hosts of claims that may cover other hosts, for whole columns of hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.urls.columns import ends_among, hashes_of, within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.snapshot.site_entries import Sites


class WideHosts:
    """The hosts of claims by their hashes, ascending.

    `twins` are those of refused hosts (with `www.` or without); `whole` are those of whole sites,
    with their twins.
    """

    def __init__(self, sites: Sites) -> None:
        refused, whole = sites.refused_by_claims()
        self.twins = np.unique(hashes_of(_twins(refused)))
        self.whole = np.unique(hashes_of(pa.concat_arrays([whole, _twins(whole)])))

    def may_cover(self, hosts: pa.StringArray, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return which hosts a claim on another host may cover; False is certain, True is not."""
        may = within(self.twins, hashes)
        if not len(self.whole):
            return may
        may |= ends_among(hosts, self.whole)
        rows = np.flatnonzero(pc.match_substring(hosts, ":").to_numpy(zero_copy_only=False))
        if len(rows):
            bare = pc.replace_substring_regex(hosts.take(pa.array(rows)), ":[0-9]+$", "")
            may[rows] |= within(self.whole, hashes_of(bare)) | ends_among(bare, self.whole)
        return may


def _twins(hosts: pa.StringArray) -> pa.StringArray:
    """Return `twin_of` each host."""
    has = pc.starts_with(hosts, "www.")
    with_ = pc.binary_join_element_wise("www.", hosts, "")
    return pc.if_else(has, pc.utf8_slice_codeunits(hosts, 4), with_)
