"""The HTML report: what it shows, nothing that acts, colours that can be told apart."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from registry.checking._page_style import COLOURS
from registry.checking.page import to_html
from registry.checking.report import Report
from registry.checking.tally import ShownMatch, Tally
from registry.datasets._left_out import left_out
from registry.model import OUTCOMES

TALLY = Tally(
    rows=3,
    outcomes=Counter(reserved=1, clear=2),
    matched_by=Counter(url=1),
    hosts=Counter({"a.example": 1}),
    shown=[
        ShownMatch(0, "https://a.example/1.jpg", "reserved", "url", None, "noai", "noai", "2026")
    ],
)
REPORT = Report(
    layout="",
    dataset="d.parquet",
    format="parquet",
    tally=TALLY,
    columns={
        "url": {"column": "url", "why": "by name", "also": [{"column": "thumb", "why": "URLs"}]},
        "ignored": {"caption": "words"},
    },
    left_out=left_out([Path("a.jpg"), Path("b.jpg"), Path("c.tar")]),
    registry={"serial": 1, "built_at": "2026-11-01T12:00:00Z", "entries": 9, "digest": "ab"},
    policy="cautious@2",
    distance=None,
    radius=8,
    floods={},
    expected_chance_matches=0.0,
    versions={},
    seconds=1.0,
)


def test_further_columns_and_what_was_left_out():
    page = to_html(REPORT)
    assert "<code>url</code>" in page
    assert "<code>thumb</code>" in page
    assert "<code>caption</code>" in page
    assert "<h2>What could not be checked</h2>" in page
    assert "pictures, not compared" in page
    assert "archives or other data, not read" in page
    assert "could not be checked</h2>" not in to_html(replace(REPORT, left_out=()))


def test_an_empty_dataset_says_so():
    page = to_html(replace(REPORT, tally=Tally()))
    assert "The dataset has no rows: nothing was checked." in page
    assert 'class="bar"' not in page
    assert "no rows" not in to_html(REPORT)


def test_every_cell_of_a_stacked_row_has_its_name():
    page = to_html(REPORT)
    for name in ("outcome", "rows", "share", "means", "URL", "matched by", "mark", "since"):
        assert f'data-label="{name}"' in page


HOSTILE = "</code><script>alert(1)</script>\x1b[31m\u202egpj.exe\u2066\u200b\x00\ud800\nx"


def test_other_peoples_text_is_shown_and_does_nothing():
    shown = replace(TALLY.shown[0], what=HOSTILE, reason=HOSTILE)
    tally = replace(TALLY, shown=[shown], hosts=Counter({HOSTILE: 1}))
    column = {"column": HOSTILE, "why": HOSTILE, "also": [{"column": HOSTILE, "why": HOSTILE}]}
    columns = {"url": column, "ignored": {HOSTILE: HOSTILE}}
    page = to_html(replace(REPORT, dataset=HOSTILE, tally=tally, columns=columns))
    page.encode()
    assert "<script" not in page
    assert all(c.isprintable() or c == "\n" for c in page)
    assert "\\u202egpj.exe" in page


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_contrast(mode):
    colours = {name: pair[mode] for name, pair in COLOURS.items()}
    for name in ("ink", "soft"):
        assert contrast(colours[name], colours["back"]) >= 4.5, name
    for name in (*OUTCOMES, "track"):
        assert contrast(colours[name], colours["back"]) >= 3, name
    assert contrast(colours["track"], colours["line"]) >= 3
