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


def faults(spider):
    """Return what a spider declares in a wrong form, each after its file."""
    kinds = spider.kinds if isinstance(spider.kinds, tuple) else ()
    forms = {
        "about": (isinstance(spider.about, str) and bool(spider.about), "a text"),
        "hosts": (is_texts(spider.hosts), 'a tuple of texts, such as ("art.example",)'),
        "starts_at": (isinstance(spider.starts_at, str), "a text"),
        "kinds": (bool(kinds) and set(kinds) <= {"html", "json"}, 'a tuple of "html" and "json"'),
        "parse": (callable(spider.parse), "a function"),
    }
    file = f"{spider.__module__.replace('.', '/')}.py"
    return [
        f"{file}: {name} is not {form}" for name, (is_right, form) in forms.items() if not is_right
    ]


def is_texts(value):
    return isinstance(value, tuple) and all(isinstance(one, str) for one in value)


def test_spiders_declare_values_of_the_right_form():
    wrong = [fault for spider in spiders().values() for fault in faults(spider)]
    hold(wrong, "crawler/site_spider.py says what a spider declares", "correct it")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hosts", "127.0.0.1"),
        ("hosts", ["a.example"]),
        ("kinds", "json"),
        ("kinds", ()),
        ("kinds", ("xml",)),
        ("about", ""),
        ("starts_at", None),
        ("parse", None),
    ],
)
def test_a_wrong_form_is_named_with_its_file(name, value):
    spider = type("New", (SiteSpider,), {"about": "new", name: value})
    spider.__module__ = "crawler.spiders.new"
    (fault,) = faults(spider)
    assert fault.startswith(f"crawler/spiders/new.py: {name} is not ")


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
