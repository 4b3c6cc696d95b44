"""The facts of a report that all its forms share: texts and figures, not escaped (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from registry.checking.report import (
    MATCHED_BY,
    MEANS_CROWDED,
    MEANS_NOT_READ,
    TOP,
    ranked,
    ranked_licensors,
)
from registry.checking.reports.reasons import MEANS
from registry.checking.tally import MOST_COUNTED, ShownMatch
from registry.matching.confirm import CERTAIN_256, LIKELY_64, LIKELY_256
from registry.text import number_of

if TYPE_CHECKING:
    from registry.checking.report import Report

Pair = tuple[str, str]
# Most names of a chart; the rows of the others are one more. Most years; earlier ones are one.
MOST_BARS, MOST_YEARS = 12, 8
# Characters of a URL or a name in a table.
LONG = 240
OUTCOME_MEANS = {
    "reserved": "a reservation was found: do not train on these rows",
    "conditional": "reserved unless a named licence or condition is met",
    "review": "possibly the same picture as a reserved one: a person must decide",
    "clear": "nothing recorded reserves these rows; this is no permission",
    "unchecked": "could not be checked; never counted as clear",
}
NO_PERMISSION = (
    "Clear means that nothing recorded in this snapshot reserves the row. It is no permission: the "
    "registry does not know every site, and a site without marks has permitted nothing."
)
NOTHING_FETCHED = (
    "URLs were compared with recorded ones, not opened: a mark that appeared after the snapshot "
    "was built is not in this report."
)
WHOLE_PICTURES = (
    "pictures are compared whole, and without a uniform border: a copy that was cropped, mirrored, "
    "turned or written over may not be found by its fingerprint"
)
_WAYS = {
    "url": "URLs of pictures, in a normal form, also those of another size of the same picture",
    "page_url": "URLs of pages, and rules for the page's site",
    "source_url": "URLs of pictures or pages",
    "sha256": "sha256 digests of files",
    "md5": "md5 digests of files",
    "phash64": "phash64 fingerprints",
    "image": "the pictures themselves: digests, phash64 and phash256 of each",
}
MEANS_FLOOD = "so many rows are similar to this one picture that a person must look at it"
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_KINDS = {"address": "URLs", "picture": "pictures", "fingerprint": "fingerprints"}


@dataclass(frozen=True, slots=True)
class Series:
    """Figures of one chart and its table: rows by name. `note` says how they were counted."""

    name: str
    title: str
    figures: tuple[tuple[str, int], ...]
    note: str = ""


def checked(report: Report) -> list[Pair]:
    """Return what was checked against what: pairs of a name and a text."""
    registry, files = report.registry, report.files
    size = "" if files.size is None else f", {in_units(files.size)}"
    pairs = [
        ("Dataset", report.dataset),
        ("Format", report.format + (f", layout {report.layout}" if report.layout else "")),
        ("Files", number_of(files.files, "file") + size if files.files else ""),
        ("State of the files", files.state and f"{files.state} (of names, sizes, times and ends)"),
        ("Rows", f"{report.tally.rows:,}"),
        (
            "Registry",
            f"snapshot {registry['serial']} of {moment(str(registry['built_at']))}, "
            f"{registry['entries']:,} entries",
        ),
        ("Digest of the snapshot", str(registry["digest"])),
        ("Policy", report.versions.get("policy", report.policy)),
        ("Program", f"optout-registry {report.versions.get('optout-registry', '')}".strip()),
        ("Checked", moment(report.checked_at.isoformat()) if report.checked_at else ""),
    ]
    return [(name, text) for name, text in pairs if text]


def moment(time: str) -> str:
    """Return an ISO time as it is shown: `2026-11-27 14:33 UTC`."""
    return f"{time[:16].replace('T', ' ')} UTC"


def in_units(size: int) -> str:
    """Return a number of bytes in a unit that suits it: `1.5 GB`."""
    value, unit = float(size), 0
    while value >= 999.95 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{size:,} bytes" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def share(part: int, whole: int) -> str:
    """Return a part as percent of a whole; "" of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else ""


def series(report: Report) -> list[Series]:
    """Return the figures of the charts; those without any are left out."""
    tally = report.tally
    found = [
        Series("mark", "By mark", _top(tally.signals), "a row with several marks counts for each"),
        _sites(report),
        _years(tally.years),
        Series("way", "By way of matching", _top(_ways(report))),
        Series("reason", "Unchecked, by reason", _top(tally.unchecked)),
    ]
    return [one for one in found if one.figures]


def matched(report: Report) -> int:
    """Return the number of rows with a match."""
    return sum(report.tally.matched_by.values())


def _ways(report: Report) -> Counter[str]:
    return Counter({way: report.tally.matched_by[way] for way in MATCHED_BY})


def _top(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    shown = [(name, rows) for name, rows in ranked(counts, MOST_BARS).items() if rows]
    rest = sum(counts.values()) - sum(rows for _, rows in shown)
    others = sum(1 for rows in counts.values() if rows) - len(shown)
    return (*shown, *([(f"{others:,} more", rest)] if others else []))


def _sites(report: Report) -> Series:
    """Return the rows by host: those of all hosts that are not shown, and of none, are `others`."""
    tally = report.tally
    shown = [(name, rows) for name, rows in ranked(tally.hosts, MOST_BARS).items() if rows]
    rest = matched(report) - sum(rows for _, rows in shown)
    if shown and rest > 0:
        shown.append(("other sites, and rows without a URL", rest))
    note = f"{number_of(len(tally.hosts), 'host')} in all"
    if forgotten := tally.forgotten["hosts"]:
        note = (
            f"the {MOST_COUNTED['hosts']:,} hosts with the most rows were counted; {forgotten:,} "
            "with fewer were dropped on the way, so figures may be too small"
        )
    return Series("site", "By site", tuple(shown), note)


def _years(counts: Counter[str]) -> Series:
    years = sorted((int(year), rows) for year, rows in counts.items() if rows)
    early, late = years[:-MOST_YEARS], years[-MOST_YEARS:]
    figures = [(str(year), rows) for year, rows in late]
    if early:
        figures.insert(0, (f"before {late[0][0]}", sum(rows for _, rows in early)))
    note = "the year since which the mark that decides has been seen, or the claim made"
    return Series("year", "By year of the mark", tuple(figures), note)


def columns(report: Report) -> Iterator[tuple[str, str, str]]:
    """Yield use, name and reason of each column that was recognised or left out."""
    for role, choice in report.columns.items():
        if role != "ignored":
            for one in (choice, *choice.get("also", ())):
                yield role, one["column"], one["why"]
    ignored: Mapping[str, str] = report.columns.get("ignored", {})
    for name, why in ignored.items():
        yield "left out", name, why


def method(report: Report) -> list[Pair]:
    """Return how the rows were compared: pairs of a name and a text."""
    roles = [role for role in _WAYS if role in report.columns]
    tally, versions = report.tally, report.versions
    algorithms = [f"{k} {v}" for k, v in sorted(versions.items()) if k.startswith("phash")]
    pairs = [
        ("Compared", "; ".join(_WAYS[role] for role in roles)),
        ("Other columns", "searched for URLs, digests and fingerprints, unless left out"),
        ("Hash families", ", ".join(algorithms)),
        ("Fingerprints agree", _thresholds(report)),
        ("Not found by them", WHOLE_PICTURES),
        ("Matches by chance", f"{report.expected_chance_matches:.2g} are to be expected"),
        ("By another size", f"{number_of(tally.resized, 'row')}, of the matches by URL"),
        ("Network", NOTHING_FETCHED),
        ("Versions", ", ".join(f"{name} {one}" for name, one in sorted(versions.items()))),
    ]
    return [(name, text) for name, text in pairs if text]


def _thresholds(report: Report) -> str:
    if report.distance is not None:
        return f"where at most {report.distance} of 64 bits of phash64 differ (--distance)"
    return (
        f"certain: at most {CERTAIN_256} of 256 bits differ; likely: at most {LIKELY_256} of 256, "
        f"or {LIKELY_64} of 64 where a side has no phash256; possible (review): at most "
        f"{report.radius} of 64"
    )


def licensors(report: Report) -> list[tuple[str, str, str, int]]:
    """Return whom to ask about conditional rows, where, the URL of the terms, and the rows."""
    most = ranked_licensors(report.tally.licensors, TOP)
    return [(name or "", contact or "", url or "", n) for (name, contact, url), n in most]


def licensing(report: Report) -> str:
    """Return what else is to be said of licences, as sentences, or ""."""
    more = len(report.tally.licensors) - TOP
    said = [f"{more:,} more are in the JSON report."] if more > 0 else []
    if allowed := report.tally.allowed:
        said.append(f"A mark allows {allowed:,} of the clear rows (optout_proof quotes it).")
    return " ".join(said)


def way_of(match: ShownMatch) -> str:
    """Return how a row matches."""
    return f"{match.way}: {match.how}" if match.how else match.way


def shortened(text: str) -> str:
    """Return a text without its middle if it is very long: the file of the rows has it whole."""
    return text if len(text) <= LONG else f"{text[: LONG // 2]} ... {text[-LONG // 2 :]}"


def not_compared(report: Report) -> list[tuple[int, str, str]]:
    """Return what could not be checked: a number, of what, and why."""
    tally = report.tally
    found = [(n, f"rows: {why}", MEANS.get(why, "")) for why, n in ranked(tally.unchecked).items()]
    found += [
        (rows, f"rows, column {name}", MEANS_NOT_READ)
        for name, rows in ranked(tally.not_read, TOP).items()
    ]
    if tally.crowded:
        found.append((tally.crowded, "rows with a crowded fingerprint", MEANS_CROWDED))
    found += [
        (rows, f"rows similar to {entry}", MEANS_FLOOD) for entry, rows in report.floods.items()
    ]
    found += [
        (one.files, f"files ({', '.join(one.suffixes)})", one.means) for one in report.left_out
    ]
    found += [(1, f"row {row}", why) for row, why in tally.unread]
    return found


def unrecorded(report: Report) -> str:
    """Return which kinds of keys the registry has none of, as a sentence, or ""."""
    names = [_KINDS.get(kind, kind) for kind in report.unrecorded]
    return f"The registry holds no {', no '.join(names)}: none could match." if names else ""


def as_values(report: Report) -> dict[str, Any]:
    """Return the result in the form that machine-readable summaries share."""
    registry = report.registry
    return {
        "rows": report.tally.rows,
        "outcomes": report.to_json()["outcomes"],
        "unchecked_reasons": ranked(report.tally.unchecked),
        "matched_by": report.to_json()["matched_by"],
        "marks": ranked(report.tally.signals),
        "licensors": len(report.tally.licensors),
        "allowed_rows": report.tally.allowed,
        "policy": report.versions.get("policy", report.policy),
        "snapshot_serial": registry["serial"],
        "snapshot_built_at": registry["built_at"],
        "snapshot_digest": registry["digest"],
        "program": f"optout-registry {report.versions.get('optout-registry', '')}".strip(),
        "checked_at": report.checked_at.isoformat("T", "seconds") if report.checked_at else None,
    }
