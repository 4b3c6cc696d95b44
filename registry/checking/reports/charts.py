"""Charts as inline SVG, each with a table of its figures (pure).

No script and no font is needed: text is the page's, colours are those of the style sheet. The
coordinates are pixels of a narrow window, so that text is of full size on a phone.
"""

from __future__ import annotations

from html import escape

from registry.checking.reports.facts import Series, share
from registry.text import visible

WIDTH = 328
# Of a bar: its height with its label, of the bar alone, and the longest label in characters.
ROW, BAR, LABEL = 38, 12, 34
# Of a chart by year: its height, the space for figures above and for years below the columns.
HEIGHT, ABOVE, BELOW = 168, 18, 20
WIDEST = 48


def figure(series: Series, whole: int) -> str:
    """Return a chart with its table; shares are those of `whole` rows."""
    draw = _columns if series.name == "year" else _bars
    note = f'<figcaption class="soft">{_text(series.note)}</figcaption>' if series.note else ""
    return (
        f'<figure class="chart"><h2>{_text(series.title)}</h2>{draw(series)}'
        f"{_table(series, whole)}{note}</figure>"
    )


def _bars(series: Series) -> str:
    """Return bars that lie below their labels, the longest as wide as the chart."""
    most = max(rows for _, rows in series.figures)
    parts = []
    for number, (name, rows) in enumerate(series.figures):
        y = number * ROW
        parts.append(
            f'<text x="0" y="{y + 14}">{_short(name)}</text>'
            f'<text x="{WIDTH}" y="{y + 14}" class="end">{rows:,}</text>'
            f'<rect x="0" y="{y + 20}" width="{WIDTH}" height="{BAR}" rx="3" class="rail"/>'
            f'<rect x="0" y="{y + 20}" width="{_length(rows, most, WIDTH)}" height="{BAR}" rx="3"/>'
        )
    return _svg(series, len(series.figures) * ROW, "".join(parts))


def _columns(series: Series) -> str:
    """Return upright columns with their figures above and their names below."""
    most = max(rows for _, rows in series.figures)
    step = WIDTH / len(series.figures)
    wide = min(step - 6, WIDEST)
    room = HEIGHT - ABOVE - BELOW
    parts = []
    for number, (name, rows) in enumerate(series.figures):
        middle = (number + 0.5) * step
        tall = _length(rows, most, room)
        foot = HEIGHT - BELOW
        parts.append(
            f'<rect x="{middle - wide / 2:.1f}" y="{foot - tall:.1f}" width="{wide:.1f}" '
            f'height="{tall}" rx="3"/>'
            f'<text x="{middle:.1f}" y="{foot - tall - 5:.1f}" class="mid">{_brief(rows)}</text>'
            f'<text x="{middle:.1f}" y="{HEIGHT - 4}" class="mid">{_year(name)}</text>'
        )
    line = HEIGHT - BELOW + 0.5
    axis = f'<line x1="0" y1="{line}" x2="{WIDTH}" y2="{line}"/>'
    return _svg(series, HEIGHT, "".join(parts) + axis)


def _svg(series: Series, height: int, content: str) -> str:
    name = f"chart-{series.name}"
    said = "; ".join(f"{visible(one)}: {rows:,}" for one, rows in series.figures)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{_text(series.title)}: rows</title>'
        f'<desc id="{name}-d">{escape(said)}. The same figures are in the table below.</desc>'
        f"{content}</svg>"
    )


def _table(series: Series, whole: int) -> str:
    rows = "".join(
        f'<tr><th scope="row" class="w">{_text(name)}</th><td class="n">{count:,}</td>'
        f'<td class="n soft">{share(count, whole)}</td></tr>'
        for name, count in series.figures
    )
    head = '<tr><th scope="col"></th><th scope="col" class="n">rows</th><th scope="col" class="n">'
    return (
        f'<table class="figures"><caption class="unseen">{_text(series.title)}</caption>'
        f"<thead>{head}share</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _length(rows: int, most: int, room: int) -> float:
    """Return the length of a bar; one that is not 0 is seen."""
    return max(round(room * rows / most, 1), 2.0) if rows else 0.0


def _short(name: str) -> str:
    shown = visible(name)
    return escape(shown if len(shown) <= LABEL else shown[: LABEL - 1] + "…")


def _year(name: str) -> str:
    return escape(name.replace("before ", "<"))


def _brief(rows: int) -> str:
    """Return a number in at most five characters: `12`, `4.5k`, `120M`."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if rows >= size:
            value = rows / size
            return f"{value:.0f}{unit}" if value >= 99.95 else f"{value:.1f}{unit}"
    return str(rows)


def _text(text: str) -> str:
    return escape(visible(text))
