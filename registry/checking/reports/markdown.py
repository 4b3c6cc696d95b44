"""The report as Markdown: the facts of the web page in tables, without charts and pictures (pure).

Other people's text is escaped: it makes no markup, no link and no cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from registry.checking.reports import facts
from registry.model import OUTCOMES
from registry.text import visible

if TYPE_CHECKING:
    from registry.checking.report import Report

# Characters that may begin markup; a backslash before any of them is taken away by readers.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$^=\"'-])")
# What some readers make a link or a mention of.
_LINKED = {":": "&#58;", "@": "&#64;", "www.": "www&#46;"}


def to_markdown(report: Report) -> str:
    """Return the report as Markdown. The same report gives the same text."""
    tally = report.tally
    outcomes = [
        (o, f"{tally.outcomes[o]:,}", facts.share(tally.outcomes[o], tally.rows), means)
        for o in OUTCOMES
        for means in [facts.OUTCOME_MEANS[o]]
    ]
    parts = [
        f"# Opt-out check of {escaped(report.dataset)}",
        _table(("what", "value"), facts.checked(report)),
        "" if tally.rows else "The dataset has no rows: nothing was checked.",
        "## Result",
        _table(("outcome", "rows", "share", "means"), outcomes),
        facts.NO_PERMISSION,
        *_figures(report),
        *_licences(report),
        *_matches(report),
        "## How it was checked",
        _table(("what", "value"), facts.method(report)),
        _table(("used as", "column", "why"), facts.columns(report)),
        *_not_compared(report),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def escaped(text: str) -> str:
    """Return other people's text so that it is shown as it is, on one line."""
    shown = _MARKUP.sub(r"\\\1", visible(text))
    for mark, entity in _LINKED.items():
        shown = shown.replace(mark, entity)
    return shown


def _figures(report: Report) -> list[str]:
    parts = []
    for one in facts.series(report):
        whole = report.tally.rows if one.name == "reason" else facts.matched(report)
        rows = [(name, f"{n:,}", facts.share(n, whole)) for name, n in one.figures]
        parts += [f"## {one.title}", _table((one.name, "rows", "share"), rows), one.note]
    return parts


def _licences(report: Report) -> list[str]:
    rows = [(name, contact, url, f"{n:,}") for name, contact, url, n in facts.licensors(report)]
    said = facts.licensing(report)
    if not rows and not said:
        return []
    head = ("whom to ask", "where", "terms", "conditional rows")
    return ["## Licences instead of removal", _table(head, rows), said]


def _matches(report: Report) -> list[str]:
    shown = report.tally.shown
    if not shown:
        return []
    rows = [
        (
            *(str(one.row), one.outcome, facts.shortened(one.what)),
            *(facts.shortened(facts.way_of(one)), one.reason, one.since),
        )
        for one in shown
    ]
    head = ("row", "outcome", "URL", "matched by", "mark", "since")
    title = f"## Matches (first {len(shown):,} of {facts.matched(report):,})"
    return [title, _table(head, rows)]


def _not_compared(report: Report) -> list[str]:
    rows = [(f"{n:,}", what, why) for n, what, why in facts.not_compared(report)]
    lacking = facts.unrecorded(report)
    if not rows and not lacking:
        return []
    return ["## What could not be checked", lacking, _table(("number", "of", "why"), rows)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_line(row) for row in rows]
    return "\n".join([_line(head), "|" + " --- |" * len(head), *lines]) if lines else ""


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(escaped(cell) for cell in cells) + " |"
