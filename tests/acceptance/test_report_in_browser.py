"""The HTML report in a real browser: readable, self-contained, on a phone too."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import Made
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
HOSTILE = '<img src=x onerror="document.title=1"> noai'

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
    snapshot = made.snapshot(tmp_path).path
    rows = {"url": [long, "https://art.example/2.jpg", "https://x.example/1.jpg", None]}
    pq.write_table(pa.table(rows), tmp_path / "d.parquet")
    page = tmp_path / "report.html"
    result = run(
        "registry", "check", tmp_path / "d.parquet", "--snapshot", snapshot, "--report", page
    )
    assert result.returncode == 1, result.stderr
    return page


@pytest.mark.parametrize("width", [375, 1200])
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
    rows = page.locator("table").first.locator("tr").all_inner_texts()
    assert [row.split()[:2] for row in rows[1:]] == [
        *(["reserved", "2"], ["conditional", "0"], ["review", "0"]),
        *(["clear", "1"], ["unchecked", "1"]),
    ]
    assert page.locator("img").count() == 0
    assert HOSTILE in page.inner_text("body")
    # Wide tables scroll in their own box; the page itself never does.
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
