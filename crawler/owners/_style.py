"""How the page for site owners looks (pure): on a desk and on a phone, by day and by night.

Text has a contrast of at least 4.5 to 1 with its background (WCAG 2.2, 1.4.3).
"""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5b6472; --line: #8a93a1;
  --back: #ffffff; --box: #f3f5f8; --link: #1f5a96; --fault: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaee; --soft: #a3abb8; --line: #77808e;
  --back: #14181f; --box: #1e242e; --link: #7fb0e6; --fault: #f2726b } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back);
  max-width: 44rem; margin: 1.5rem auto; padding: 0 1rem; overflow-wrap: anywhere;
  -webkit-text-size-adjust: 100% }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.2rem; margin: 2rem 0 .4rem }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem } p, ul { margin: .4rem 0 }
li { margin: .3rem 0 } a { color: var(--link) } .soft { color: var(--soft) }
pre { background: var(--box); padding: .6rem .8rem; margin: .6rem 0; white-space: pre-wrap }
pre, code { font-size: .95rem }
label { display: block; margin-top: .8rem; font-weight: 600 }
input, button { font: inherit; color: inherit; border-radius: .3rem; min-height: 2.75rem }
input { display: block; width: 100%; padding: .3rem .6rem; background: var(--back);
  border: 1px solid var(--line) }
button { margin-top: 1rem; padding: .3rem 1.2rem; background: var(--box);
  border: 1px solid var(--ink); cursor: pointer }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
.fault { color: var(--fault); font-weight: 600 }
"""
