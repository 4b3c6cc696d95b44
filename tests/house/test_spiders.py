"""A spider is one file named as itself, with captured pages; manners are not its business."""

import pytest
from sources import ROOT, hold, modules

from crawler.run import spiders
from crawler.site_spider import SiteSpider

CAPTURES = ROOT / "tests/captures"


@pytest.mark.parametrize("name", spiders())
def test_spider_has_captures(name):
    pages = [page for page in CAPTURES.glob(f"{name}/*.html") if page.with_suffix(".json").exists()]
    assert pages, (
        f"put a page that {name} reads, and what it reads there, into tests/captures/{name}/"
    )


def test_captures_are_pairs_of_a_spider():
    wrong = [
        str(path.relative_to(ROOT))
        for path in CAPTURES.glob("*/*")
        if path.parent.name not in spiders()
        or not all(path.with_suffix(suffix).exists() for suffix in (".html", ".json"))
    ]
    hold(wrong, "captures are NAME.html and NAME.json in the folder of a spider", "complete it")


def test_spiders_are_named_as_their_files():
    files = {m.name.rpartition(".")[2] for m in modules("crawler/spiders")} - {"spiders"}
    assert {name for name in files if not name.startswith("_")} == set(spiders())


@pytest.mark.parametrize("name", spiders())
def test_spider_says_what_it_is_for(name):
    spider = spiders()[name]
    assert spider.about, "`crawler sites` shows it"
    assert spider.__module__ == f"crawler.spiders.{name}"


@pytest.mark.parametrize("name", spiders())
def test_spider_leaves_manners_alone(name):
    """What sites differ in is how their pages are read; manners are the same for all."""
    own = set(vars(spiders()[name])) & set(vars(SiteSpider)) - {"__module__", "__doc__"}
    assert own <= {"about", "starts_at", "read_page"}, "manners stand in crawler/site_spider.py"
    assert not spiders()[name].custom_settings
