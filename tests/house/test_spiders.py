"""A spider is one file named as itself; manners are not its business.

That its captured pages are read as expected is in tests/pure.
"""

import pytest
from sources import ROOT, hold, modules

from crawler.plan import spiders
from crawler.site_spider import SiteSpider

CAPTURES = ROOT / "tests/captures"


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


def test_a_host_has_one_spider():
    declared = [host for spider in spiders().values() for host in spider.hosts]
    wrong = {host for host in declared if declared.count(host) > 1 or host != host.lower()}
    hold(sorted(wrong), "a host is declared by one spider, in lower case", "take one out")


@pytest.mark.parametrize("name", spiders())
def test_spider_leaves_manners_alone(name):
    """What sites differ in is how their pages are read; manners are the same for all."""
    own = set(vars(spiders()[name])) & set(vars(SiteSpider))
    own = {name for name in own if not name.startswith("__")}
    assert own <= {"about", "hosts", "starts_at", "kinds", "parse"}, (
        "manners stand in crawler/site_spider.py"
    )
    assert not spiders()[name].custom_settings
