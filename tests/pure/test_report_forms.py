"""The forms of a report hold the same facts, whatever other people's text is in them."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_check_page import HOSTILE, REPORT, TALLY

from registry.checking import samples
from registry.checking.page import to_html
from registry.checking.report import FileFacts
from registry.checking.reports import charts, facts
from registry.checking.reports.ai_act import to_ai_act
from registry.checking.reports.croissant import Contents, DescribedFile, to_croissant
from registry.checking.reports.markdown import escaped, to_markdown
from registry.checking.samples import Sample
from registry.checking.tally import Tally

HOSTS = Counter({f"h{number}.example": 100 - number for number in range(30)})
FULL = replace(
    TALLY,
    rows=10_000,
    matched_by=Counter(url=3000, site=1000),
    signals=Counter({f"mark-{number}": 1 + number for number in range(20)}),
    hosts=HOSTS,
    years=Counter({str(year): year - 2000 for year in range(2010, 2027)}),
    all_hosts=Counter({f"www.d{n}.example": 50 - n for n in range(25)} | {"d0.example": 1}),
    unchecked=Counter({"bad-url": 3, "page-only": 2}),
    licensors=Counter({(f"Ann <b>{n}", None, f"https://l.example/{n}"): n for n in range(1, 31)}),
    allowed=7,
)
CHECKED = replace(
    REPORT,
    tally=FULL,
    files=FileFacts(2, 1_500_000, "ab" * 32),
    checked_at=datetime(2026, 11, 28, 9, 30, tzinfo=UTC),
    unrecorded=("md5", "fingerprint"),
)
SAMPLE = Sample(
    *(0, "a.jpg", "reserved", "fingerprint", 3, "same picture", "noai", "noai at x", "2026-01-02"),
    *("observation:1", "https://a.example/1.jpg"),
)
COLUMNS = {"url": "sc:URL", "n": "sc:Integer"}


def figures(name):
    return next(one.figures for one in facts.series(CHECKED) if one.name == name)


def test_the_figures_of_charts_add_up():
    assert sum(rows for _, rows in figures("site")) == 4000
    assert figures("site")[-1] == ("other sites, and rows without a URL", 4000 - 12 * 100 + 66)
    assert sum(rows for _, rows in figures("mark")) == sum(range(21))
    assert figures("mark")[-1] == ("8 more", sum(range(9)))
    years = figures("year")
    assert [name for name, _ in years] == ["before 2019", *map(str, range(2019, 2027))]
    assert sum(rows for _, rows in years) == sum(FULL.years.values())
    assert figures("way") == (("url", 3000), ("site", 1000))


def test_whom_to_ask_is_said():
    assert facts.licensors(CHECKED)[0] == ("Ann <b>30", "", "https://l.example/30", 30)
    page, text = to_html(CHECKED), to_markdown(CHECKED)
    for shown in (page, text):
        assert "Licences instead of removal" in shown
        assert "10 more are in the JSON report" in shown
        assert "<b>" not in shown
    assert "Ann &lt;b&gt;30" in page
    assert "Licences instead" not in to_html(REPORT) + to_markdown(REPORT)


def test_sites_that_were_forgotten_are_said():
    tally = replace(FULL, forgotten=Counter(hosts=500_000))
    [sites] = [one for one in facts.series(replace(CHECKED, tally=tally)) if one.name == "site"]
    assert "500,000" in sites.note
    assert "too small" in sites.note


def test_every_chart_is_svg_with_a_title_and_a_table_of_its_figures():
    for one in facts.series(CHECKED):
        drawn = charts.figure(one, 4000)
        tree = ElementTree.fromstring(drawn)
        svg, table = tree.find("svg"), tree.find("table")
        assert svg is not None
        assert table is not None
        named = [svg.find(name) for name in ("title", "desc")]
        assert svg.get("aria-labelledby") == " ".join(
            part.get("id", "") for part in named if part is not None
        )
        rows = ["".join(cell.itertext()) for cell in table.iterfind("tbody/tr/td")][::2]
        assert rows == [f"{rows:,}" for _, rows in one.figures]
        bars = [bar for bar in svg.iter("rect") if bar.get("class") != "rail"]
        sides = [float(bar.get("height" if one.name == "year" else "width", 0)) for bar in bars]
        counts = [rows for _, rows in one.figures]
        most = sides[counts.index(max(counts))]
        for side, rows in zip(sides, counts, strict=True):
            assert side == pytest.approx(max(most * rows / max(counts), 2), abs=0.1)


def test_a_chart_of_hostile_names_is_well_formed():
    series = facts.Series("site", HOSTILE, ((HOSTILE, 3), (HOSTILE * 9, 1), ("", 0)), HOSTILE)
    drawn = charts.figure(series, 4)
    assert "<script" not in drawn
    assert ElementTree.fromstring(drawn).find("svg/title") is not None


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        *((0, "0"), (999, "999"), (1500, "1.5k"), (99_949, "99.9k"), (99_950, "100k")),
        *((123_456_789, "123M"), (10**10, "10.0G")),
    ],
)
def test_numbers_above_columns_are_short(rows, text):
    assert charts._brief(rows) == text


def test_the_page_says_what_was_checked_and_how():
    page = to_html(CHECKED)
    for text in ("1.5 MB", "ab" * 32, "cautious@2", "2026-11-28 09:30 UTC", "2026-11-01 12:00 UTC"):
        assert text in page
    assert "The registry holds no md5, no fingerprints: none could match." in page
    assert "at most 60 of 256" in page
    near = to_html(replace(CHECKED, distance=3))
    assert "at most 3 of 64 bits of phash64 differ" in near
    assert "a value that is no URL" in page


def test_pictures_stand_beside_their_evidence():
    tally = replace(FULL, samples=[SAMPLE, replace(SAMPLE, row=1, quoted=HOSTILE, what=HOSTILE)])
    page = to_html(replace(CHECKED, tally=tally), {0: [b"\xff\xd8one"], 1: [b"<script>"]})
    assert page.count('src="data:image/jpeg;base64,') == 2
    assert "<script" not in page
    assert "same picture" in page
    assert "https://a.example/1.jpg" in page
    assert "data:image" not in to_html(replace(CHECKED, tally=tally))


def test_markdown_has_the_facts_of_the_page():
    text = to_markdown(CHECKED)
    for one in facts.series(CHECKED):
        assert f"## {one.title}" in text
        for name, rows in one.figures:
            assert f"| {escaped(name)} | {rows:,} |" in text
    for title in ("How it was checked", "What could not be checked", "Matches"):
        assert f"## {title}" in text
    assert "no rows" in to_markdown(replace(REPORT, tally=Tally()))


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(codec=None), max_size=40) | st.just(HOSTILE))
def test_other_peoples_text_makes_no_markup_in_markdown(text):
    shown = escaped(text)
    assert all(one.isprintable() for one in shown)
    # Every character that can begin markup has a backslash before it.
    bare = re.sub(r"\\[\\`*_{}\[\]<>()#+!|~&$^=\"'-]", "", shown)
    bare = re.sub(r"&#\d+;", "", bare)
    assert not re.search(r"[\\`*_\[\]<>()#|~&@]|www\.|:", bare)


def test_hostile_text_stays_in_its_cell_of_markdown():
    shown = replace(TALLY.shown[0], what=HOSTILE + "|`a`|", reason=HOSTILE)
    tally = replace(FULL, shown=[shown], signals=Counter({HOSTILE + "|": 3}))
    text = to_markdown(
        replace(
            CHECKED,
            dataset=HOSTILE,
            tally=tally,
            columns={"url": {"column": "|`<b>", "why": HOSTILE}},
        )
    )
    for line in text.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) in (3, 4, 5, 7)
    assert not re.search(r"(?<!\\)<", text)


def test_the_summary_fills_what_a_check_knows_and_lists_the_rest():
    summary = json.loads(json.dumps(to_ai_act(CHECKED)))
    for path in summary["to_be_filled_by_the_provider"]:
        value = summary
        for name in path.split("/"):
            value = value[name]
        assert value is None
    domains = summary["2_list_of_data_sources"]["2_3_data_crawled_and_scraped"]
    domains = domains["most_relevant_domain_names"]
    # www. is no domain of its own; a tenth of 25 domains is three.
    assert domains["domain_names_in_all"] == 25
    assert domains["top_10_percent"] == {"d0.example": 51, "d1.example": 49, "d2.example": 48}
    assert domains["of_these_for_small_and_medium_sized_enterprises"] == 2
    assert domains["is_exact"]
    assert domains["rows_with_a_url"] + domains["rows_without_a_url"] == 10_000
    held = summary["3_data_processing_aspects"]["3_1_respect_of_reservation_of_rights"]
    assert held["signatory_of_the_code_of_practice"] is None
    assert held["of_this_dataset"]["rows_with_a_reservation"] == FULL.outcomes["reserved"]
    assert "robots-txt" in held["of_this_dataset"]["opt_out_protocols_read"]
    cut = replace(FULL, forgotten=Counter(all_hosts=7))
    cut_domains = to_ai_act(replace(CHECKED, tally=cut))["2_list_of_data_sources"]
    assert not cut_domains["2_3_data_crawled_and_scraped"]["most_relevant_domain_names"]["is_exact"]


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (999_999, "less than 1 million images"),
        (10**6, "1 million to 1 billion images"),
        (10**9, "more than 1 billion images"),
    ],
)
def test_the_ranges_of_sizes_are_those_of_the_template(rows, text):
    summary = to_ai_act(replace(CHECKED, tally=replace(FULL, rows=rows)))
    sizes = summary["1_general_information"]["1_3_modalities_and_overall_training_data_size"]
    assert sizes["modalities"]["image"]["of_this_dataset"]["range_if_each_row_is_one_image"] == text


def test_a_croissant_names_files_columns_and_the_result():
    files = [DescribedFile("a/d.parquet", 12, "ab" * 32)]
    # A column without a name makes the description invalid for mlcroissant.
    columns = {**COLUMNS, "": "sc:Text"}
    made = to_croissant(CHECKED, Contents(files, Counter(), "", columns))
    [file], [rows] = made["distribution"], made["recordSet"]
    assert (file["contentUrl"], file["sha256"]) == ("a/d.parquet", "ab" * 32)
    assert [one["dataType"] for one in rows["field"]] == ["sc:URL", "sc:Integer"]
    result = made["optout:check"]
    assert result["optout:policy"] == "cautious@2"
    assert result["optout:snapshotDigest"] == "ab"
    counts = {one["optout:name"]: one["optout:rows"] for one in result["optout:outcomes"]}
    assert counts["reserved"] == FULL.outcomes["reserved"]
    assert "license" not in made


def test_many_files_are_sets_by_ending_and_unknown_kinds_have_no_rows():
    contents = Contents([], Counter({".parquet": 3, "": 1}), "shards", COLUMNS)
    made = to_croissant(CHECKED, contents)
    assert [one["includes"] for one in made["distribution"]] == [
        ["shards/*", "shards/**/*"],
        ["shards/*.parquet", "shards/**/*.parquet"],
    ]
    assert "recordSet" not in made
    zipped = Contents([DescribedFile("d.csv.gz", 1, "ab")], Counter(), "", COLUMNS)
    assert "recordSet" not in to_croissant(CHECKED, zipped)


def test_samples_are_few_of_each_kind_and_varied():
    many = [replace(SAMPLE, row=n, marks=f"m{n % 3}") for n in range(100)]
    kept = samples.joined([], many)
    assert Counter(one.marks for one in kept) == dict.fromkeys(("m0", "m1", "m2"), 2)
    assert samples.joined(kept, many) == kept
    assert [one.marks for one in samples.by_variety(kept)][:3] == ["m0", "m1", "m2"]
    kinds = [replace(SAMPLE, row=n, marks=f"m{n}") for n in range(100)]
    assert len(samples.joined([], kinds)) == samples.MOST


def test_a_tally_is_kept_with_its_samples_and_forgets_sites_with_few_rows(monkeypatch):
    monkeypatch.setitem(tally_bounds(), "hosts", 10)
    part = replace(FULL, samples=[replace(SAMPLE, table=1, place=5)])
    total = Tally(rows=7)
    total.add(Tally.from_json(json.loads(json.dumps(part.to_json()))))
    assert total.samples == [replace(SAMPLE, row=7, table=1, place=5)]
    assert total.years == FULL.years
    assert len(total.hosts) == 5
    assert total.forgotten == {"hosts": 25}


def tally_bounds():
    from registry.checking import tally

    return tally.MOST_COUNTED
