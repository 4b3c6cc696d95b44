"""The keys of a batch: URL keys, digests and fingerprints, one element for each row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from registry.checking.complete import ColumnOffer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.matching.distinct import PrintCodes
    from registry.model import Digest
    from registry.urls.columns import KeyColumn


@dataclass(frozen=True, slots=True)
class Prints:
    """Fingerprints of a batch from one source: parallel arrays, one element for each.

    `row` is its row in the batch; `codes` are valid where `has`.
    """

    row: NDArray[np.int64]
    has: NDArray[np.bool_]
    codes: PrintCodes


@dataclass(frozen=True, slots=True)
class Mentions:
    """URLs mentioned in a batch: parallel arrays of the row and the URL of each."""

    row: NDArray[np.int64]
    urls: KeyColumn


@dataclass(slots=True)
class Keys:
    """The keys of a batch, one element for each row.

    `urls` are URLs that may be those of the pictures, `pages` URLs that may be those of
    pages; an unclear column is in both.
    `others` are all other URLs, which are only looked up as those of pictures. `offers`
    describes the values of every column, `not_read` counts, by column, the rows with keys
    in a form that is not read. `unread` has the reason of each row that could not be read.
    """

    rows: int
    urls: list[KeyColumn] = field(default_factory=list)
    pages: list[KeyColumn] = field(default_factory=list)
    others: list[Mentions] = field(default_factory=list)
    digests: list[tuple[Digest, pa.Array]] = field(default_factory=list)
    prints: list[Prints] = field(default_factory=list)
    offers: list[ColumnOffer] = field(default_factory=list)
    not_read: Counter[str] = field(default_factory=Counter)
    unread: pa.Array | None = None

    def picture_of(self, row: int) -> str | None:
        """Return the first URL key of a row that may be its picture's, or None."""
        return next((key for urls in self.urls if (key := urls.key(row))), None)
