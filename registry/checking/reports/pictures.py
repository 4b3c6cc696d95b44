"""The pictures of some matched rows beside what the registry recorded of them (pure)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

from registry.checking.samples import Sample
from registry.text import visible

_NOTE = (
    "One or two rows of each mark and way of matching, {shown} in all. Pictures are small copies, "
    "encoded again. The registry keeps no pictures: beside each stands its evidence."
)


def pictures_section(samples: Sequence[Sample], pictures: Mapping[int, Sequence[bytes]]) -> str:
    """Return the pairs of a picture and its evidence; "" without pictures.

    `pictures` holds JPEGs by row. A sample without one is left out.
    """
    shown = [one for one in samples if pictures.get(one.row)]
    if not shown:
        return ""
    pairs = "".join(_pair(one, pictures[one.row]) for one in shown)
    note = f'<p class="soft">{_NOTE.format(shown=len(shown))}</p>'
    return f"<h2>Pictures and their evidence</h2>{note}{pairs}"


def _pair(sample: Sample, pictures: Sequence[bytes]) -> str:
    images = "".join(
        f'<img alt="picture {number} of row {sample.row}" '
        f'src="data:image/jpeg;base64,{b64encode(data).decode()}">'
        for number, data in enumerate(pictures, 1)
    )
    facts = "".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in _facts(sample))
    return f'<section class="pair"><div class="seen">{images}</div><dl>{facts}</dl></section>'


def _facts(sample: Sample) -> list[tuple[str, str]]:
    found = [
        ("row", f"{sample.row}"),
        ("name", f"<code>{_text(sample.what)}</code>" if sample.what else ""),
        ("outcome", f'<span class="dot {sample.outcome}"></span>{sample.outcome}'),
        ("mark", f"<code>{_text(sample.quoted)}</code>"),
        ("named", _text(sample.marks)),
        ("since", _text(sample.since)),
        ("recorded at", f"<code>{_text(sample.recorded)}</code>" if sample.recorded else ""),
        ("matched by", _text(f"{sample.way}: {sample.how}")),
        ("entry", _text(sample.entry)),
    ]
    return [(name, text) for name, text in found if text]


def _text(text: str) -> str:
    return escape(visible(text))
