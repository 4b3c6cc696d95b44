"""The report of a check (pure): the counts, and the snapshot and policy they are based on."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from registry.checking.tally import Licensor, Tally
from registry.model import OUTCOMES
from registry.text import visible

if TYPE_CHECKING:
    from datetime import datetime

    from registry.datasets._left_out import SkippedFiles
    from registry.model import Way

MATCHED_BY = ("url", "digest", "fingerprint", "site")
TOP = 20
# Licensors in the object for programs, and in the text.
MOST_LICENSORS, SHOWN_LICENSORS = 1000, 8
# Rows that match one entry by fingerprint: from so many on it is reported. It may be a picture
# that half of the web shows (a placeholder, a flag), or a mistake.
FLOOD = 10_000
MEANS_CROWDED = "more recorded pictures are similar than were compared"
MEANS_NOT_READ = "URLs, digests or pictures in a form that is not read"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The files of a dataset: their number, their size in bytes (None: unknown), their state.

    `state` is a digest of their names, sizes, times of change and, if they are not too many, ends.
    """

    files: int = 0
    size: int | None = None
    state: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check. Only `seconds` and `checked_at` differ from run to run.

    `layout` is the name of the known layout of the dataset, or "". `radius` is the largest distance
    of a match by phash64 alone; `floods` counts the rows of the entries that match very many by
    fingerprint. `files` are the dataset's; `checked_at` is the time at which the check began;
    `unrecorded` are the kinds of keys of which the registry has none.
    """

    dataset: str
    format: str
    tally: Tally
    layout: str
    columns: Mapping[str, Any]
    left_out: Sequence[SkippedFiles]
    registry: Mapping[str, Any]
    policy: str
    distance: int | None
    radius: int
    floods: Mapping[str, int]
    expected_chance_matches: float
    versions: Mapping[str, str]
    seconds: float
    files: FileFacts = FileFacts()
    checked_at: datetime | None = None
    unrecorded: Sequence[Way] = ()

    @property
    def exit_code(self) -> int:
        """0: every row is clear; 1: some are reserved or conditional; 3: none are, but others.

        3 also for a dataset without rows, and where tables or archives were not read.
        """
        outcomes = self.tally.outcomes
        if outcomes["reserved"] or outcomes["conditional"]:
            return 1
        unread = any(one.kind in ("tables", "archives") for one in self.left_out)
        return 3 if outcomes["clear"] < max(self.tally.rows, 1) or unread else 0

    def to_json(self) -> dict[str, Any]:
        """Return the object that `check --json` prints."""
        tally = self.tally
        return {
            "dataset": self.dataset,
            "format": self.format,
            "rows": tally.rows,
            "outcomes": {outcome: tally.outcomes[outcome] for outcome in OUTCOMES},
            "unchecked_reasons": ranked(tally.unchecked),
            "matched_by": {way: tally.matched_by[way] for way in MATCHED_BY},
            "tiers": ranked(tally.tiers),
            "signals": ranked(tally.signals),
            **_licensors_json(tally.licensors),
            "allowed_rows": tally.allowed,
            "sites": ranked(tally.hosts, TOP),
            "years": dict(sorted(tally.years.items())),
            "layout": self.layout or None,
            "columns": dict(self.columns),
            "rows_not_read": [{"row": row, "why": why} for row, why in tally.unread],
            "files": asdict(self.files),
            "columns_not_read": ranked(tally.not_read),
            "left_out": [one.to_json() for one in self.left_out],
            "registry": dict(self.registry),
            "policy": self.policy,
            "distance": self.distance,
            "radius": self.radius,
            "floods": dict(self.floods),
            "crowded_rows": tally.crowded,
            "matched_by_another_size": tally.resized,
            "expected_chance_matches": self.expected_chance_matches,
            "unrecorded_keys": list(self.unrecorded),
            "checked_at": self.checked_at.isoformat("T", "seconds") if self.checked_at else None,
            "seconds": round(self.seconds, 3),
            "versions": dict(self.versions),
        }


def ranked(counts: Counter[str], most: int | None = None) -> dict[str, int]:
    """Return the counts from largest to smallest, equal ones by name; `most` limits them."""
    most = len(counts) if most is None else most
    return dict(heapq.nsmallest(most, counts.items(), key=lambda item: (-item[1], item[0])))


def ranked_licensors(counts: Counter[Licensor], most: int) -> list[tuple[Licensor, int]]:
    """Return the licensors of the most rows, equal ones by name."""
    return heapq.nsmallest(most, counts.items(), key=lambda one: (-one[1], _texts_of(one[0])))


def _texts_of(licensor: Licensor) -> list[str]:
    return [text or "" for text in licensor]


def _licensors_json(counts: Counter[Licensor]) -> dict[str, Any]:
    most = ranked_licensors(counts, MOST_LICENSORS)
    names = ("licensor", "contact", "licence_url")
    return {
        "licensors": [{**dict(zip(names, one, strict=True)), "rows": n} for one, n in most],
        "more_licensors": max(len(counts) - MOST_LICENSORS, 0),
    }


def _licensor_lines(tally: Tally) -> list[str]:
    """Return a table of whom to ask about conditional rows, and the number of allowed ones."""
    most = ranked_licensors(tally.licensors, SHOWN_LICENSORS)
    lines = [
        f"    {rows:>12,}  {'  '.join(visible(text) for text in one if text)}" for one, rows in most
    ]
    more = len(tally.licensors) - len(most)
    head = ["  whom to ask about conditional rows, and on what terms:"] if most else []
    lines += [f"    and {more:,} more (--json shows more)"] if more > 0 else []
    if tally.allowed:
        lines.append(f"  allowed by a mark: {tally.allowed:,} of the clear rows (see optout_proof)")
    return head + lines


def to_lines(report: Report) -> list[str]:
    """Return the report as lines of text."""
    tally, registry = report.tally, report.registry
    lines = [
        f"{report.dataset}: {tally.rows:,} rows against snapshot {registry['serial']} "
        f"({registry['built_at'][:16].replace('T', ' ')} UTC, {registry['entries']:,} entries), "
        f"policy {report.policy}",
        "",
    ]
    for outcome in OUTCOMES:
        count = tally.outcomes[outcome]
        share = f"{100 * count / tally.rows:5.1f} %" if tally.rows else ""
        detail = _listed(tally.unchecked) if outcome == "unchecked" else ""
        lines.append(f"  {outcome:<12}{count:>12,}  {share}  {detail}".rstrip())
    lines.append("")
    lines += _section("matched by", Counter({w: tally.matched_by[w] for w in MATCHED_BY}))
    if tally.resized:
        lines.append(f"  by the URL of another size of the picture: {tally.resized:,}")
    lines += _section("by mark", tally.signals)
    lines += _licensor_lines(tally)
    lines += _section("by tier", tally.tiers)
    if tally.with_fingerprint:
        chance = f"{report.expected_chance_matches:.2g}, within {report.radius} bits"
        lines.append(f"  chance matches to expect: {chance}")
    lines += [
        f"  flood: {rows:,} rows are similar to {visible(entry)} alone"
        for entry, rows in report.floods.items()
    ]
    if tally.crowded:
        lines.append(f"  crowded: {tally.crowded:,} rows: {MEANS_CROWDED}")
    lines += _not_read(report)
    if not tally.rows:
        lines.append("  the dataset has no rows: nothing was checked")
    lines.append("  clear means that nothing recorded reserves the row; it is no permission")
    return lines


def _not_read(report: Report) -> list[str]:
    """Return what was not read: columns, rows, and other files."""
    tally = report.tally
    whys = [
        f"{rows:,} values of column {name}: {MEANS_NOT_READ}"
        for name, rows in ranked(tally.not_read, TOP).items()
    ]
    whys += [f"row {row}: {why}" for row, why in tally.unread]
    whys += [str(one) for one in report.left_out if one.kind != "words"]
    return [f"  not read: {visible(why)}" for why in whys]


def _section(title: str, counts: Counter[str]) -> Sequence[str]:
    listed = _listed(counts)
    return [f"  {title}: {listed}"] if listed else []


def _listed(counts: Counter[str]) -> str:
    pairs = [(name, count) for name, count in ranked(counts).items() if count]
    shown = ", ".join(f"{visible(name)} {count:,}" for name, count in pairs[:8])
    return shown + (f", and {len(pairs) - 8} more" if len(pairs) > 8 else "")
