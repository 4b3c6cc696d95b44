"""The report as one self-contained HTML page (pure): no scripts, no external resources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from registry.checking._page_style import STYLE
from registry.checking.report import MATCHED_BY, MEANS_NOT_READ, TOP, Report, ranked
from registry.checking.tally import ShownMatch
from registry.model import OUTCOMES
from registry.text import visible

MEANING = {
    "reserved": "a reservation was found: do not train on these rows",
    "conditional": "reserved unless a named licence or condition is met",
    "review": "possibly the same picture as a reserved one: a person must decide",
    "clear": "nothing recorded reserves these rows; this is no permission",
    "unchecked": "could not be checked; never counted as clear",
}
# Columns of a table: the name, and the classes of its cells.
OUTCOMES_HEAD = (("outcome", ""), ("rows", "n"), ("share", "n"), ("means", "soft w"))
MATCHES_HEAD = (
    *(("row", "n"), ("outcome", ""), ("URL", "w u")),
    *(("matched by", ""), ("mark", "w"), ("since", "")),
)
COLUMNS_HEAD = (("used as", ""), ("column", "w"), ("why", "w"))
LEFT_HEAD = (("number", "n"), ("of", "w"), ("content", "w"))


def to_html(report: Report) -> str:
    """Return the page. The same report gives the same bytes."""
    parts = [
        _head(report),
        _outcomes(report),
        '<div class="two">',
        _counts("By mark", report.tally.signals),
        _counts("By way of matching", Counter({w: report.tally.matched_by[w] for w in MATCHED_BY})),
        _counts("By site", report.tally.hosts),
        _counts("Unchecked, by reason", report.tally.unchecked),
        "</div>",
        _matches(report),
        _left_out(report),
        _method(report),
    ]
    title = f"Opt-out check of {_shown(report.dataset)}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body>\n"
        + "\n".join(filter(None, parts))
        + "\n</body></html>\n"
    )


def _shown(text: object) -> str:
    """Return other people's text for the page, with HTML and control characters escaped."""
    return escape(visible(str(text)))


def _head(report: Report) -> str:
    registry = report.registry
    empty = '<p class="note">The dataset has no rows: nothing was checked.</p>'
    return (
        f"<h1>Opt-out check of <code>{_shown(report.dataset)}</code></h1>"
        f'<p class="soft">{report.tally.rows:,} rows against snapshot {registry["serial"]} of '
        f"{_shown(str(registry['built_at'])[:16].replace('T', ' '))} UTC "
        f"({registry['entries']:,} entries), policy {_shown(report.policy)}</p>"
        + empty
        * (not report.tally.rows)
    )


def _outcomes(report: Report) -> str:
    tally = report.tally
    bar = "".join(
        f'<span class="{o}" style="flex:{tally.outcomes[o]}" '
        f'title="{o}: {tally.outcomes[o]:,}"></span>'
        for o in OUTCOMES
        if tally.outcomes[o]
    )
    rows = [(_dot(o), f"{tally.outcomes[o]:,}", _share(report, o), MEANING[o]) for o in OUTCOMES]
    chart = f'<div class="bar" role="img" aria-label="rows by outcome">{bar}</div>' if bar else ""
    return chart + _table(OUTCOMES_HEAD, rows)


def _dot(outcome: str) -> str:
    return f'<span class="dot {outcome}"></span>{outcome}'


def _share(report: Report, outcome: str) -> str:
    rows = report.tally.rows
    return f"{100 * report.tally.outcomes[outcome] / rows:.1f} %" if rows else ""


def _counts(title: str, counts: Counter[str]) -> str:
    pairs = [(name, count) for name, count in ranked(counts, 12).items() if count]
    if not pairs:
        return ""
    most = pairs[0][1]
    rows = "".join(
        f'<tr><td class="w">{_shown(name)}</td><td class="n">{count:,}</td><td><div class="track">'
        f'<i style="width:{100 * count / most:.0f}%"></i></div></td></tr>'
        for name, count in pairs
    )
    return f'<section><h2>{title}</h2><table class="counts">{rows}</table></section>'


def _matches(report: Report) -> str:
    shown = report.tally.shown
    if not shown:
        return ""
    total = sum(report.tally.matched_by.values())
    table = _table(MATCHES_HEAD, map(_match, shown))
    return f"<h2>Matches (first {len(shown):,} of {total:,})</h2>{table}"


def _match(match: ShownMatch) -> Sequence[str]:
    near = "" if match.distance is None else f" ({match.distance}/64)"
    mark = f"<code>{_shown(match.reason)}</code>"
    way = f"{match.way}{near}"
    return (f"{match.row}", _dot(match.outcome), _shown(match.what), way, mark, match.since)


def _left_out(report: Report) -> str:
    """Return the table of columns and files that were not read; "" if there are none."""
    columns = [
        (f"{count:,}", f"rows, column {_shown(name)}", MEANS_NOT_READ)
        for name, count in ranked(report.tally.not_read, TOP).items()
    ]
    rows = columns + [
        (f"{one.files:,}", _shown(f"files ({', '.join(one.suffixes)})"), _shown(one.means))
        for one in report.left_out
    ]
    return f"<h2>Not read</h2>{_table(LEFT_HEAD, rows)}" if rows else ""


def _method(report: Report) -> str:
    used: list[tuple[str, str, str]] = []
    for role, choice in report.columns.items():
        if role != "ignored":
            used += [(role, one["column"], one["why"]) for one in (choice, *choice.get("also", ()))]
    ignored: Mapping[str, str] = report.columns.get("ignored", {})
    used += [("left out", name, why) for name, why in ignored.items()]
    rows = [(_shown(role), f"<code>{_shown(name)}</code>", _shown(why)) for role, name, why in used]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(report.versions.items()))
    distance = "by tier" if report.distance is None else f"every row within {report.distance} bits"
    return (
        f"<h2>How it was checked</h2>{_table(COLUMNS_HEAD, rows) if rows else ''}"
        f'<p class="soft w">Fingerprints: {distance}; matches to expect by chance: '
        f"{report.expected_chance_matches:.2g}. Registry content "
        f"<code>{_shown(report.registry['digest'])}</code>. Versions: {_shown(versions)}.</p>"
    )


def _table(head: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose cells become blocks with labels in a narrow window.

    It sets the ARIA roles, because browsers drop them from cells displayed as blocks.
    """
    names = "".join(f'<th role="columnheader" class="{css}">{name}</th>' for name, css in head)
    body = "".join(f'<tr role="row">{_cells(head, row)}</tr>' for row in rows)
    return (
        f'<table role="table" class="rows"><thead role="rowgroup"><tr role="row">{names}</tr>'
        f'</thead><tbody role="rowgroup">{body}</tbody></table>'
    )


def _cells(head: Sequence[tuple[str, str]], row: Sequence[str]) -> str:
    return "".join(
        f'<td role="cell" class="{css}" data-label="{name}"><span>{cell}</span></td>'
        for (name, css), cell in zip(head, row, strict=True)
    )
