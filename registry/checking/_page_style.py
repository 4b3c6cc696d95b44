"""How the HTML report looks (pure): on paper, on a desk and on a phone, by day and by night.

Text has a contrast of at least 4.5 to 1 with what is behind it, and the colours of
outcomes one of 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11); a test measures both.
"""

from __future__ import annotations

# By name: the colour on white, and the one in dark mode.
COLOURS = {
    "ink": ("#1d2430", "#e8eaee"),
    "soft": ("#5b6472", "#a3abb8"),
    "line": ("#d9dde3", "#3a414d"),
    "back": ("#ffffff", "#14181f"),
    "track": ("#3b6ea8", "#7fb0e6"),
    "reserved": ("#b3261e", "#f2726b"),
    "conditional": ("#9a5b00", "#e0a03c"),
    "review": ("#6750a4", "#b9a3f0"),
    "clear": ("#2e6b3e", "#6dbb82"),
    "unchecked": ("#5f6673", "#98a0ad"),
}
_OUTCOMES = ("reserved", "conditional", "review", "clear", "unchecked")


def _palette(column: int) -> str:
    return "; ".join(f"--{name}: {pair[column]}" for name, pair in COLOURS.items())


STYLE = f"""
:root {{ color-scheme: light dark; {_palette(0)} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {_palette(1)} }} }}
{" ".join(f".{name} {{ background: var(--{name}) }}" for name in _OUTCOMES)}
* {{ box-sizing: border-box }}
body {{ font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; -webkit-text-size-adjust: 100% }}
h1 {{ font-size: 1.6rem; margin: 0; overflow-wrap: anywhere }}
h2 {{ font-size: 1.1rem; margin: 2.2rem 0 .6rem }}
.soft {{ color: var(--soft) }} p {{ margin: .3rem 0; overflow-wrap: anywhere }}
.note {{ border-left: .3rem solid var(--unchecked); padding: .3rem .8rem; margin: 1rem 0 }}
.bar {{ display: flex; gap: 2px; height: 2rem; border-radius: .4rem; overflow: hidden;
  margin: 1.4rem 0 .8rem; print-color-adjust: exact; -webkit-print-color-adjust: exact }}
.bar span {{ min-width: 2px }}
table {{ border-collapse: collapse; width: 100%; font-size: .92rem }}
th, td {{ text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; white-space: nowrap }}
.w {{ white-space: normal; overflow-wrap: anywhere }} td.u {{ min-width: 13rem }}
th {{ color: var(--soft); font-weight: 600 }} .n {{ text-align: right }}
.dot {{ display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem;
  margin-right: .5rem; vertical-align: -1px; print-color-adjust: exact;
  -webkit-print-color-adjust: exact }}
.charts {{ columns: 2; column-gap: 2.5rem }} .charts h2 {{ margin-top: 0 }}
figure {{ margin: 0; padding-top: 1.6rem; min-width: 0; break-inside: avoid }}
figcaption {{ font-size: .92rem; margin: .3rem 0 0 }}
svg {{ display: block; width: 100%; max-width: 27rem; height: auto; margin-bottom: .6rem;
  fill: var(--track); print-color-adjust: exact; -webkit-print-color-adjust: exact }}
svg text {{ fill: var(--ink); font-size: 13px }} svg .end {{ text-anchor: end }}
svg .mid {{ text-anchor: middle; font-size: 11px }} svg .rail {{ fill: var(--line) }}
svg line {{ stroke: var(--soft); stroke-width: 1 }}
.unseen {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }}
.figures th {{ color: var(--ink); font-weight: 400 }}
.figures thead th {{ color: var(--soft); font-weight: 600 }}
dl {{ margin: .6rem 0 }} dd {{ margin: 0; overflow-wrap: anywhere; min-width: 0 }}
dl div {{ display: grid; grid-template-columns: 11rem minmax(0, 1fr); gap: 0 1rem;
  padding: .15rem 0; break-inside: avoid }}
dt {{ color: var(--soft); font-weight: 600 }}
.pair {{ display: grid; grid-template-columns: 240px minmax(0, 1fr); gap: 1.2rem;
  border-top: 1px solid var(--line); padding: 1rem 0; break-inside: avoid }}
.pair dl {{ margin: 0 }} .pair dl div {{ grid-template-columns: 7rem minmax(0, 1fr) }}
.seen img {{ display: block; max-width: 100%; height: auto; margin-bottom: .5rem;
  border: 1px solid var(--line) }}
code {{ font-size: .88em }}
@media screen and (max-width: 44rem) {{
  body {{ margin: 1rem auto }}
  h1 {{ font-size: 1.35rem }}
  .charts {{ columns: 1 }} .pair {{ display: block }}
  dl div, .pair dl div {{ grid-template-columns: minmax(0, 1fr); padding: .3rem 0 }}
  table, code {{ font-size: 1rem }}
  table, tbody, tr, td {{ display: block }}
  thead {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }}
  tr {{ border-bottom: 1px solid var(--line); padding: .6rem 0 }}
  td, td.n {{ border: 0; padding: .15rem 0; text-align: left; white-space: normal;
    overflow-wrap: anywhere }}
  td.u {{ min-width: 0 }}
  .rows td {{ display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: 0 .6rem }}
  .rows td::before {{ content: attr(data-label); color: var(--soft); font-weight: 600 }}
  .figures tr {{ display: grid; grid-template-columns: minmax(0, 1fr) auto 4rem; gap: 0 1rem }}
  .figures th {{ border: 0; padding: .15rem 0; white-space: normal }}
}}
@media print {{ body {{ margin: 0; max-width: none }} tr {{ break-inside: avoid }} }}
"""
