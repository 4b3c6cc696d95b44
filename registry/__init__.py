"""Registry of machine-readable reservations of images against AI training.

The functions for Python programs; docs/python.md shows them together. Each imports its
modules when it is first called. They raise the errors of `registry.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from os import PathLike
    from pathlib import Path
    from typing import Any

    from registry.checking.report import Report
    from registry.guarding.guarded import Guarded
    from registry.lookups import Answer
    from registry.model import Evidence, Outcome, Picture, Reading, Signal, Verdict
    from registry.snapshot.opened import Snapshot

__version__ = "0.1.0"
# The crawler's name in robots.txt groups (RFC 9309, section 2.2.1).
PRODUCT_TOKEN = "OptoutRegistry"
__all__ = ["check", "decide", "errors", "fingerprint", "guard", "lookup", "open_snapshot", "read"]


def read(evidence: Evidence) -> Reading:
    """Return the signals in one piece of evidence, and warnings. Never raises for a text.

    Raises UsageError for a carrier without a reader, and for a text instead of header lines
    or the reverse, since nothing could be read.

    >>> from registry.model import Evidence
    >>> mark = '<meta name="robots" content="noai">'
    >>> page = Evidence("html", "page", "https://a.example/", text=mark)
    >>> [signal.name for signal in registry.read(page).signals]
    ['noai']
    """
    from registry.signals import read, refuse_unknown

    refuse_unknown(evidence)
    return read(evidence)


def decide(
    signals: Iterable[Signal],
    policy: str = "cautious",
    *,
    image_url: str | None = None,
    page_url: str | None = None,
    agent: str | None = None,
) -> Verdict:
    """Return the verdict on an image under a policy, with the signals that decided it.

    Rules with a path count only if they apply to `image_url` or `page_url`. `agent` is the
    product token of the agent to decide for; None means any trainer. Raises UsageError for an
    unknown policy.

    >>> from registry.model import Evidence
    >>> rules = Evidence("robots-txt", "site", "https://a.example/robots.txt",
    ...                  text="User-agent: GPTBot\\nDisallow: /art/")
    >>> signals = registry.read(rules).signals
    >>> registry.decide(signals, image_url="https://a.example/art/1.jpg").decision
    'reserved'
    """
    from registry.model import Target
    from registry.verdict import decide
    from registry.verdict.site_rules import applicable

    target = Target(image_url, page_url, agent)
    return decide(applicable(tuple(signals), target), policy, agent)


def fingerprint(data: bytes) -> Picture:
    """Return the digests, fingerprints and size of an image, given the bytes of its file.

    It has no time limit; `registry.pictures.files.PictureReader` reads untrusted files in
    a separate process. Raises UnreadablePicture, with the reason, and UsageError for the
    name of a file instead of its bytes.

    >>> from pathlib import Path
    >>> picture = registry.fingerprint(Path("cat.jpg").read_bytes())
    >>> picture.width, picture.height, len(picture.fingerprints["phash64"]["full"])
    (451, 300, 16)
    """
    from registry.fingerprints import fingerprint

    if not isinstance(data, bytes | bytearray | memoryview):
        raise errors.UsageError("fingerprint takes the bytes of a file", "Path(...).read_bytes()")
    return fingerprint(bytes(data))


def open_snapshot(folder: str | PathLike[str]) -> Snapshot:
    """Open a snapshot folder, built by `registry snapshot build` or downloaded.

    Raises UnreadableSnapshot if it is missing, damaged or newer than this version.

    >>> snapshot = registry.open_snapshot("snapshot")
    >>> len(snapshot.entries)
    1
    """
    from pathlib import Path

    from registry.snapshot.opened import open_snapshot

    return open_snapshot(Path(_path(folder)))


def check(
    dataset: str | PathLike[str] | Sequence[str | PathLike[str]],
    snapshot: Snapshot | str | PathLike[str] | None = None,
    *,
    policy: str = "cautious",
    columns: Mapping[str, Sequence[str]] | None = None,
    out: str | PathLike[str] | None = None,
    keep: Sequence[Outcome] = (),
    removal: str | PathLike[str] | None = None,
    indices: str | PathLike[str] | None = None,
    workers: int = 1,
    engine: str | None = None,
    address: str | None = None,
) -> Report:
    """Check every row of a dataset, and return the counts.

    `dataset` is a path, or several, as for `registry check`. Without `snapshot` (an opened one,
    or its folder) it is the newest that was built here; none is built. `columns` names columns
    by role, if the role does not follow from the name (`{"url": ["LINK"]}`). With `out` the
    rows and their outcomes are written to that Parquet file; with `keep`, too, only the rows of
    these outcomes, as they are. `removal` and `indices` are the files of these options of the
    command. `workers` is the number of processes that fingerprint pictures. With `engine` (`ray` or
    `spark`) the rows are checked on the cluster at `address`, or on the one to which the program is
    connected. Raises UnreadableDataset, UsageError, EngineUnavailable.

    >>> report = registry.check("dataset.parquet", registry.open_snapshot("snapshot"))
    >>> dict(report.tally.outcomes)
    {'reserved': 1, 'clear': 1}
    """
    from contextlib import closing
    from dataclasses import replace
    from os import PathLike

    from registry.checking.placing import Placement
    from registry.checking.plan import plan
    from registry.checking.run import CheckOptions, check
    from registry.datasets import open_dataset
    from registry.engines import connect

    if workers < 1:
        raise errors.UsageError(f"{workers} processes cannot read pictures", "workers=1 or more")
    named = [dataset] if isinstance(dataset, str | bytes | PathLike) else dataset
    names = [_path(one) for one in named]
    opened = open_dataset(names)
    written = CheckOptions(policy, None, _file(out), keep, workers)
    options = replace(written, removal=_file(removal), indices=_file(indices))
    options.files.refuse_wrong()
    planned = plan(opened, columns)
    if engine is None:
        return check(opened, _opened(snapshot), planned, options)
    with closing(connect(engine, address)) as cluster:
        placement = Placement(cluster, names)
        return check(opened, _opened(snapshot), planned, replace(options, placement=placement))


def guard(
    dataset: Any,
    snapshot: Snapshot | str | PathLike[str] | None = None,
    *,
    keep: Sequence[Outcome] = ("clear",),
    policy: str = "cautious",
    columns: Mapping[str, Sequence[str]] | None = None,
    on_drop: Callable[[Any, Mapping[str, Any]], None] | None = None,
    counts: str | PathLike[str] | None = None,
    workers: int = 1,
) -> Guarded:
    """Pass on only the rows of a dataset that a check may keep, with the counts of a check.

    `dataset` is a dataset of the package `datasets` (also streamed, or a dictionary of splits), a
    pipeline of `webdataset`, or any rows as dictionaries; None makes a stage, which is called with
    rows. `Guarded.dataset` is of the same type. `keep` are the outcomes that are passed on: what
    was not compared is `unchecked`. `snapshot`, `columns` and `workers` are as for `check`.
    `on_drop` is called with each other row and its `optout_*` values. `counts` is a folder in which
    all processes that read the dataset keep their counts. Raises UnreadableDataset, UsageError.

    >>> rows = [{"url": "https://a.example/1.jpg"}, {"url": "https://a.example/2.jpg"}]
    >>> guarded = registry.guard(rows, registry.open_snapshot("snapshot"))
    >>> list(guarded)
    [{'url': 'https://a.example/2.jpg'}]
    >>> dict(guarded.tally.outcomes)
    {'reserved': 1, 'clear': 1}
    """

    from registry.guarding.guarded import guarded
    from registry.guarding.row_check import GuardOptions

    if workers < 1:
        raise errors.UsageError(f"{workers} processes cannot read pictures", "workers=1 or more")
    folder = _file(counts)
    kept = folder and folder.absolute()
    options = GuardOptions(policy, keep, columns, workers, kept, on_drop)
    return guarded(dataset, _opened(snapshot), options)


def lookup(
    target: str | PathLike[str],
    snapshot: Snapshot | str | PathLike[str] | None = None,
    *,
    policy: str = "cautious",
) -> Answer:
    """Look up an image file, the URL of an image or a page, a fingerprint or a digest.

    A URL is looked up, never fetched. `Answer.decision` is the strictest decision found.
    Each call builds an index of the snapshot: for many targets, build one
    `registry.index.Index` and pass it to `registry.lookups.lookup`, or `check` a table of them.
    Raises UsageError for any other target, UnreadableInput for a picture that cannot be read.

    >>> answer = registry.lookup("https://a.example/1.jpg", registry.open_snapshot("snapshot"))
    >>> answer.decision, [match.by for match in answer.found]
    ('reserved', ['url'])
    """
    from registry.index import Index
    from registry.lookups import lookup

    return lookup(Index(_opened(snapshot), policy), _path(target))


def _opened(snapshot: Snapshot | str | PathLike[str] | None) -> Snapshot:
    """Return an opened snapshot; None: the newest that was built here."""
    from os import PathLike

    from registry.snapshot.store import newest_built

    if snapshot is None:
        return open_snapshot(newest_built())
    return open_snapshot(snapshot) if isinstance(snapshot, str | PathLike) else snapshot


def _file(name: str | PathLike[str] | None) -> Path | None:
    """Return the path of a file, if one is named."""
    from pathlib import Path

    return None if name is None else Path(_path(name))


def _path(name: str | PathLike[str]) -> str:
    """Return the text of a path or name. Raises UsageError for anything else, and for ""."""
    from os import fspath

    text = fspath(name) if isinstance(name, str) or hasattr(name, "__fspath__") else None
    if not isinstance(text, str) or not text:
        raise errors.UsageError(f"{name!r} is not the name of a file", "a text or a Path")
    return text
