"""The HTML report in a real browser: readable, self-contained, on a phone too."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from checking import REGISTRY
from made import Made
from playwright.sync_api import Browser, Page, sync_playwright
from reported import dataset_in, snapshot_in

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
HOSTILE = '<img src=x onerror="document.title=1"> noai'
PHONE, DESK = 360, 1280
# Elements whose text is wider than they are, or reaches out of the window.
CLIPPED = """
() => [...document.querySelectorAll(
  "h1, h2, p, td, tbody th, td span, code, dt, dd, figcaption, svg text")].filter(e => {
  const box = e.getBoundingClientRect();
  return e.textContent && box.width && (box.right > innerWidth + 0.5 || box.left < -0.5
    || (e.ownerSVGElement && box.right > e.ownerSVGElement.getBoundingClientRect().right + 0.5)
    || (!e.ownerSVGElement && getComputedStyle(e).display != "inline"
      && e.scrollWidth > e.clientWidth + 1));
}).map(e => e.tagName + ": " + e.textContent.slice(0, 60))
"""
# Of every text on the page: its contrast with the background behind it, if that is too low.
FAINT = """
() => {
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => {
    v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const back = light(getComputedStyle(document.body).backgroundColor);
  const ratio = c => { const a = light(c); return (Math.max(a, back) + 0.05)
    / (Math.min(a, back) + 0.05); };
  const wrong = [];
  for (const e of document.querySelectorAll("h1, h2, p, td, th, span, code, dt, dd"))
    for (const pseudo of [null, "::before"])
      if (e.innerText && ratio(getComputedStyle(e, pseudo).color) < 4.5) wrong.push(e.outerHTML);
  for (const e of document.querySelectorAll(".bar span, .dot"))
    if (ratio(getComputedStyle(e).backgroundColor) < 3) wrong.push(e.outerHTML);
  return wrong;
}
"""

# Texts of a chart that overlap another one.
CROWDED = """
() => [...document.querySelectorAll("svg")].flatMap(svg => {
  const boxes = [...svg.querySelectorAll("text")].map(e => [e.getBoundingClientRect(), e]);
  return boxes.filter(([a, e]) => boxes.some(([b, f]) => e !== f && a.left < b.right
    && b.left < a.right && a.top < b.bottom - 1 && b.top < a.bottom - 1))
    .map(([, e]) => e.textContent);
})
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def report(run, tmp_path: Path) -> Path:
    made = Made()
    long = "https://art.example/" + "very-long-name" * 12 + ".jpg"
    made.observe(long, [made.headers("noai", url=long)], refusal="http-404")
    made.claim(url="https://art.example/2.jpg", evidence=HOSTILE)
    made.claim(url="https://art.example/3.jpg", meaning="conditional")
    snapshot = made.snapshot(tmp_path).path
    rows = {
        "url": [long, "https://art.example/2.jpg", "https://x.example/1.jpg", None],
        "thumbnail_url": ["https://art.example/3.jpg"] * 2 + ["https://x.example/1.jpg", None],
        "a_column_with_a_rather_long_name_indeed": ["words"] * 4,
    }
    folder = tmp_path / "dataset"
    folder.mkdir()
    pq.write_table(pa.table(rows), folder / "d.parquet")
    (folder / "list.csv").write_text("url\nhttps://art.example/9.jpg\n")
    page = tmp_path / "report.html"
    result = run("registry", "check", folder, "--snapshot", snapshot, "--report", page)
    assert result.returncode == 1, result.stderr
    return page


def opened(browser: Browser, report: Path, width: int, scheme: str = "light") -> Page:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(report.as_uri())
    return page


@pytest.mark.parametrize("width", [PHONE, 375, DESK])
def test_it_is_whole_without_network_or_script(browser: Browser, report: Path, width: int):
    page = browser.new_page(viewport={"width": width, "height": 800})
    requested: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(report.as_uri())
    assert requested == [report.as_uri()]
    assert problems == []
    assert page.title().startswith("Opt-out check of ")
    rows = page.locator("table.rows").first.locator("tr").all_inner_texts()
    assert [row.split()[:2] for row in rows[1:]] == [
        *(["reserved", "2"], ["conditional", "0"], ["review", "0"]),
        *(["clear", "0"], ["unchecked", "2"]),
    ]
    assert page.locator("img").count() == 0
    assert HOSTILE in page.inner_text("body")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_everything_can_be_read(browser: Browser, report: Path, width: int, scheme: str):
    page = opened(browser, report, width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(FAINT) == []
    # Nothing scrolls sideways in a box of its own either.
    boxes = "[...document.querySelectorAll('body *')].filter(e => getComputedStyle(e).overflowX"
    assert page.evaluate(f"{boxes} == 'auto').length") == 0
    is_dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 31)"
    assert is_dark == (scheme == "dark")
    page.close()


def test_a_phone_shows_rows_as_blocks_in_text_of_full_size(browser: Browser, report: Path):
    page = opened(browser, report, PHONE)
    cell = page.locator("td[data-label=URL]").first
    label = cell.evaluate("e => getComputedStyle(e, '::before').content")
    assert label == '"URL"'
    assert cell.bounding_box()["width"] > 300  # type: ignore[index]
    sizes = "[...document.querySelectorAll('td, p, code')].map(e => getComputedStyle(e).fontSize)"
    assert page.evaluate(f"Math.min(...{sizes}.map(parseFloat))") >= 14
    assert (
        page.evaluate("parseFloat(getComputedStyle(document.querySelector('td')).fontSize)") == 16
    )
    page.close()


def test_on_paper_it_is_a_table_on_white(browser: Browser, report: Path):
    page = opened(browser, report, DESK, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    shown = "getComputedStyle(document.querySelector('td')).display"
    assert page.evaluate(shown) == "table-cell"
    back = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(back) == "rgb(255, 255, 255)"
    page.close()


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of a dataset with pictures and marks of many years."""
    folder = tmp_path_factory.mktemp("full")
    arguments = ["--snapshot", str(snapshot_in(folder)), "--report", str(folder / "report.html")]
    command = [str(REGISTRY), "check", str(dataset_in(folder)), *arguments]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    return folder / "report.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_pictures_and_charts_are_whole(browser: Browser, full: Path, width: int, scheme: str):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(full.as_uri())
    assert problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(FAINT) == []
    sides = page.evaluate("[...document.images].map(i => i.complete && i.naturalWidth)")
    assert len(sides) == 6
    assert min(sides) > 50
    # Text in charts is as large as other small text, and does not run into its neighbour.
    assert page.evaluate(CROWDED) == []
    smallest = (
        "[...document.querySelectorAll('svg text')].map(e => e.getBoundingClientRect().height)"
    )
    assert page.evaluate(f"Math.min(...{smallest})") >= 11
    named = page.locator("svg[role=img]").evaluate_all(
        "all => all.map(e => e.getAttribute('aria-labelledby').split(' ')"
        ".map(id => document.getElementById(id).textContent))"
    )
    assert [title for title, _ in named] == [
        *("By mark: rows", "By site: rows", "By year of the mark: rows"),
        *("By way of matching: rows", "Unchecked, by reason: rows"),
    ]
    page.close()
