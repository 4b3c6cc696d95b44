"""The check of a part of a dataset, and the sum of several parts.

A part can be checked anywhere: the result depends on its rows, the index and the options.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from registry.checking.answers import answer
from registry.checking.count import count, count_hosts
from registry.checking.extraction import HashPictures, extract
from registry.checking.sampling import take_samples
from registry.checking.tally import MAX_SHOWN, Tally
from registry.checking.wording import Wording

if TYPE_CHECKING:
    import pyarrow as pa

    from registry.checking.columns import Columns
    from registry.checking.keys import Keys
    from registry.checking.outcomes import Answers
    from registry.index import Index

OnBatch = Callable[["pa.RecordBatch", "Keys", "Answers", Wording], None]


@dataclass(frozen=True, slots=True)
class ShardOptions:
    """How the rows of a part are checked.

    With `distance` every row within so many bits matches; None: by tier. `label` is the column
    that identifies a row (None: its URL); `left_out` are the reasons why no row of the dataset
    may be clear; `hash_pictures` fingerprints embedded pictures. At most `shown` matches are shown.
    `samples`: rows of every mark are kept for the report; `all_hosts`: the hosts of all rows count.
    """

    columns: Columns
    hash_pictures: HashPictures
    distance: int | None = None
    label: str | None = None
    left_out: Sequence[str] = ()
    shown: int = MAX_SHOWN
    samples: bool = False
    all_hosts: bool = False


def check_shard(
    batches: Iterable[pa.RecordBatch],
    index: Index,
    options: ShardOptions,
    on_batch: OnBatch = lambda batch, keys, answers, wording: None,
    wording: Wording | None = None,
) -> Tally:
    """Check all rows of some batches, and return the counts; `on_batch` gets the answers.

    `wording` keeps texts from part to part; it has the same index.
    """
    wording, tally = wording or Wording(index), Tally()
    for batch in batches:
        keys = extract(batch, options.columns, options.hash_pictures)
        answers = answer(keys, index, options.distance, options.left_out)
        names = batch.column(options.label) if options.label else None
        # Before the rows are counted: it begins with the number of the rows so far.
        if options.samples:
            take_samples(tally, keys, answers, wording, names)
        if options.all_hosts:
            count_hosts(tally.all_hosts, keys)
        count(tally, keys, answers, wording, names, options.shown)
        on_batch(batch, keys, answers, wording)
    return tally


def merge(results: Iterable[Tally], into: Tally | None = None) -> Tally:
    """Return the counts of several parts together, given in the order of their rows.

    They are added to `into`, if it is given.
    """
    total = Tally() if into is None else into
    for one in results:
        total.add(one)
    return total
