"""Columns that a batch may have beside those of its dataset (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

# Why a row could not be read; values that fit no column, as JSON text.
UNREAD, MORE = "optout:unread", "optout:more"
# On demand: the bytes of the row in its file; the number of its row group; its own number in its
# table.
RAW, GROUP, ROW = "optout:raw", "optout:group", "optout:row"
HIDDEN = frozenset({UNREAD, MORE, RAW, GROUP, ROW})


def with_unread(parsed: pa.RecordBatch, rows: int, unread: Mapping[int, str]) -> pa.RecordBatch:
    """Return the rows of a part of a file: those that were parsed, and between them, as nulls,
    those that were not, with the reason in a hidden column. `unread` gives reasons by row.
    """
    if not unread:
        return parsed
    given = np.ones(rows, bool)
    given[[*unread]] = False
    places = np.cumsum(given) - 1
    taken = parsed.take(pa.array(places, mask=~given))
    reasons = pa.array([unread.get(row) for row in range(rows)], pa.string())
    return taken.append_column(UNREAD, reasons)


def own_columns(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    """Return the columns `names` that a batch has from its file, and what it says of its rows.

    Those that are made on demand are left out.
    """
    own = (name for name in names if name not in (RAW, ROW))
    said = (name for name in (MORE, UNREAD) if name in batch.schema.names)
    return batch.select([*own, *said])
