"""The report as one self-contained HTML page (pure): no script, nothing loaded from elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from html import escape

from registry.check.report import MATCHED_BY, Report, Shown, ranked
from registry.model import OUTCOMES

MEANING = {
    "reserved": "a reservation was found: do not train on these rows",
    "conditional": "reserved unless a named licence or condition is met",
    "review": "possibly the same picture as a reserved one: a person must decide",
    "clear": "nothing recorded reserves these rows; this is no permission",
    "unchecked": "could not be checked; never counted as clear",
}
COLOUR = {
    "reserved": "#b3261e",
    "conditional": "#b26a00",
    "review": "#6750a4",
    "clear": "#2e6b3e",
    "unchecked": "#6b7280",
}
STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5b6472; --line: #d9dde3; --back: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaee; --soft: #a3abb8; --line: #3a414d; --back: #14181f }
}
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem }
p.soft, .soft { color: var(--soft) } p { margin: .3rem 0 }
.bar { display: flex; height: 2rem; border-radius: .4rem; overflow: hidden; margin: 1.4rem 0 .8rem }
.bar span { min-width: 2px }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; white-space: nowrap }
td.w, p.w { white-space: normal; overflow-wrap: anywhere } td.u { min-width: 13rem }
th { color: var(--soft); font-weight: 600 } .n { text-align: right }
.dot { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem;
  margin-right: .5rem; vertical-align: -1px }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 0 2.5rem }
@media (max-width: 40rem) { .two { grid-template-columns: 1fr } }
.track { background: var(--line); border-radius: .2rem; height: .6rem; min-width: 6rem;
  margin-top: .45rem }
.track i { display: block; height: 100%; border-radius: .2rem; background: #3b6ea8 }
.wide { overflow-x: auto } section { min-width: 0 }
code { font-size: .88em }
"""


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
        _method(report),
    ]
    title = f"Opt-out check of {escape(report.dataset)}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body>\n"
        + "\n".join(filter(None, parts))
        + "\n</body></html>\n"
    )


def _head(report: Report) -> str:
    registry = report.registry
    return (
        f"<h1>Opt-out check of <code>{escape(report.dataset)}</code></h1>"
        f'<p class="soft">{report.tally.rows:,} rows against snapshot {registry["serial"]} of '
        f"{escape(str(registry['built_at'])[:16].replace('T', ' '))} UTC "
        f"({registry['entries']:,} entries), policy {escape(report.policy)}</p>"
    )


def _outcomes(report: Report) -> str:
    tally = report.tally
    bar = "".join(
        f'<span style="flex:{tally.outcomes[o]};background:{COLOUR[o]}" '
        f'title="{o}: {tally.outcomes[o]:,}"></span>'
        for o in OUTCOMES
        if tally.outcomes[o]
    )
    rows = "".join(
        f'<tr><td><span class="dot" style="background:{COLOUR[o]}"></span>{o}</td>'
        f'<td class="n">{tally.outcomes[o]:,}</td><td class="n">{_share(report, o)}</td>'
        f'<td class="soft w">{MEANING[o]}</td></tr>'
        for o in OUTCOMES
    )
    head = '<tr><th>outcome</th><th class="n">rows</th><th class="n">share</th><th>means</th></tr>'
    chart = f'<div class="bar" role="img" aria-label="rows by outcome">{bar}</div>'
    return chart + _table(head + rows)


def _share(report: Report, outcome: str) -> str:
    rows = report.tally.rows
    return f"{100 * report.tally.outcomes[outcome] / rows:.1f} %" if rows else ""


def _counts(title: str, counts: Counter[str]) -> str:
    pairs = [(name, count) for name, count in ranked(counts, 12).items() if count]
    if not pairs:
        return ""
    most = pairs[0][1]
    rows = "".join(
        f'<tr><td class="w">{escape(name)}</td><td class="n">{count:,}</td><td><div class="track">'
        f'<i style="width:{100 * count / most:.0f}%"></i></div></td></tr>'
        for name, count in pairs
    )
    return f"<section><h2>{title}</h2>{_table(rows)}</section>"


def _matches(report: Report) -> str:
    shown = report.tally.shown
    if not shown:
        return ""
    total = sum(report.tally.matched_by.values())
    rows = "".join(map(_match, shown))
    names = ("row", "outcome", "URL", "met by", "mark", "since")
    head = "<tr>" + "".join(f"<th>{name}</th>" for name in names) + "</tr>"
    return f"<h2>Matches (first {len(shown):,} of {total:,})</h2>" + _table(head + rows)


def _match(match: Shown) -> str:
    near = "" if match.distance is None else f" ({match.distance}/64)"
    return (
        f'<tr><td class="n">{match.row}</td><td><span class="dot" '
        f'style="background:{COLOUR[match.outcome]}"></span>{match.outcome}</td>'
        f'<td class="w u">{escape(match.what)}</td><td>{match.way}{near}</td>'
        f'<td class="w"><code>{escape(match.reason)}</code></td><td>{match.since}</td></tr>'
    )


def _method(report: Report) -> str:
    columns = "".join(
        f"<tr><td>{escape(role)}</td><td><code>{escape(choice['column'])}</code></td>"
        f'<td class="w">{escape(choice["why"])}</td></tr>'
        for role, choice in report.columns.items()
        if role != "ignored"
    )
    ignored: Mapping[str, str] = report.columns.get("ignored", {})
    columns += "".join(
        f"<tr><td>left out</td><td><code>{escape(name)}</code></td>"
        f'<td class="w">{escape(why)}</td></tr>'
        for name, why in ignored.items()
    )
    versions = ", ".join(f"{name} {version}" for name, version in sorted(report.versions.items()))
    distance = "by tier" if report.distance is None else f"every row within {report.distance} bits"
    head = "<tr><th>used as</th><th>column</th><th>why</th></tr>"
    return (
        f"<h2>How it was checked</h2>{_table(head + columns)}"
        f'<p class="soft w">Fingerprints: {distance}; matches to expect by chance: '
        f"{report.expected_chance_matches:.2g}. Registry content "
        f"<code>{escape(str(report.registry['digest']))}</code>. Versions: {escape(versions)}.</p>"
    )


def _table(rows: str) -> str:
    """Return a table that scrolls in its own box where the window is narrow."""
    return f'<div class="wide"><table>{rows}</table></div>'
