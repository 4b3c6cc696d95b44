"""The report as one self-contained HTML page (pure): no scripts, no external resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from registry.checking._page_style import STYLE
from registry.checking.report import Report
from registry.checking.reports import facts
from registry.checking.reports.charts import figure
from registry.checking.reports.pictures import pictures_section
from registry.checking.tally import ShownMatch
from registry.model import OUTCOMES
from registry.text import visible

# Columns of a table: the name, and the classes of its cells.
OUTCOMES_HEAD = (("outcome", ""), ("rows", "n"), ("share", "n"), ("means", "soft w"))
MATCHES_HEAD = (
    *(("row", "n"), ("outcome", ""), ("URL", "w u")),
    *(("matched by", ""), ("mark", "w"), ("since", "")),
)
LICENSORS_HEAD = (("whom to ask", "w"), ("where", "w u"), ("terms", "w u"), ("rows", "n"))
COLUMNS_HEAD = (("used as", ""), ("column", "w"), ("why", "w"))
LACKING_HEAD = (("number", "n"), ("of", "w"), ("why", "w"))


def to_html(report: Report, pictures: Mapping[int, Sequence[bytes]] | None = None) -> str:
    """Return the page. The same report gives the same bytes.

    `pictures` are small JPEGs of the report's samples, by row.
    """
    parts = [
        _head(report),
        _outcomes(report),
        _charts(report),
        _licences(report),
        pictures_section(report.tally.samples, pictures or {}),
        _matches(report),
        _method(report),
        _not_compared(report),
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
    empty = '<p class="note">The dataset has no rows: nothing was checked.</p>'
    return (
        f"<h1>Opt-out check of <code>{_shown(report.dataset)}</code></h1>"
        f"{_pairs(facts.checked(report))}{empty * (not report.tally.rows)}"
    )


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a list of names and texts."""
    rows = "".join(f"<div><dt>{name}</dt><dd>{_shown(text)}</dd></div>" for name, text in pairs)
    return f'<dl class="facts">{rows}</dl>'


def _outcomes(report: Report) -> str:
    tally = report.tally
    bar = "".join(
        f'<span class="{o}" style="flex:{tally.outcomes[o]}" '
        f'title="{o}: {tally.outcomes[o]:,}"></span>'
        for o in OUTCOMES
        if tally.outcomes[o]
    )
    rows = [
        (_dot(o), f"{tally.outcomes[o]:,}", _share(report, o), facts.OUTCOME_MEANS[o])
        for o in OUTCOMES
    ]
    chart = f'<div class="bar" role="img" aria-label="rows by outcome">{bar}</div>' if bar else ""
    note = f'<p class="soft">{_shown(facts.NO_PERMISSION)}</p>'
    return f"<h2>Result</h2>{chart}{_table(OUTCOMES_HEAD, rows)}{note}"


def _dot(outcome: str) -> str:
    return f'<span class="dot {outcome}"></span>{outcome}'


def _share(report: Report, outcome: str) -> str:
    return facts.share(report.tally.outcomes[outcome], report.tally.rows)


def _charts(report: Report) -> str:
    """Return the charts; shares of the rows that match are those of all such rows."""
    wholes = {"reason": report.tally.rows}
    matched = facts.matched(report)
    drawn = [figure(one, wholes.get(one.name, matched)) for one in facts.series(report)]
    return f'<div class="charts">{"".join(drawn)}</div>' if drawn else ""


def _licences(report: Report) -> str:
    """Return whom to ask about conditional rows; "" if there is nothing to say."""
    rows = [
        (_shown(name), _shown(contact), _shown(url), f"{n:,}")
        for name, contact, url, n in facts.licensors(report)
    ]
    said = facts.licensing(report)
    table = _table(LICENSORS_HEAD, rows) if rows else ""
    note = f'<p class="note">{_shown(said)}</p>' if said else ""
    return f"<h2>Licences instead of removal</h2>{table}{note}" if table or note else ""


def _matches(report: Report) -> str:
    shown = report.tally.shown
    if not shown:
        return ""
    total = sum(report.tally.matched_by.values())
    table = _table(MATCHES_HEAD, map(_match, shown))
    return f"<h2>Matches (first {len(shown):,} of {total:,})</h2>{table}"


def _match(match: ShownMatch) -> Sequence[str]:
    mark = f"<code>{_shown(match.reason)}</code>"
    what, way = _shown(facts.shortened(match.what)), _shown(facts.shortened(facts.way_of(match)))
    return (f"{match.row}", _dot(match.outcome), what, way, mark, match.since)


def _method(report: Report) -> str:
    rows = [
        (_shown(role), f"<code>{_shown(name)}</code>", _shown(why))
        for role, name, why in facts.columns(report)
    ]
    table = _table(COLUMNS_HEAD, rows) if rows else ""
    return f"<h2>How it was checked</h2>{_pairs(facts.method(report))}{table}"


def _not_compared(report: Report) -> str:
    """Return what could not be checked; "" if all was."""
    rows = [
        (f"{number:,}", _shown(what), _shown(why))
        for number, what, why in facts.not_compared(report)
    ]
    lacking = facts.unrecorded(report)
    note = f'<p class="note">{_shown(lacking)}</p>' if lacking else ""
    table = _table(LACKING_HEAD, rows) if rows else ""
    return f"<h2>What could not be checked</h2>{note}{table}" if note or rows else ""


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
