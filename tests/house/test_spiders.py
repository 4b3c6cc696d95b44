"""A spider is one file named as itself; manners are not its business.

That its captured pages are read as expected is in tests/pure.
"""

import captured
import pytest
from captured import CAPTURES
from sources import hold, modules

from crawler.plan import spiders
from crawler.site_spider import SiteSpider


def misplaced(captures, declared):
    """Return what is wrong with the files of captures, each after its path.

    `declared` are the kinds of pages that each spider reads, by its name.
    """
    wrong = []
    for path in sorted(captures.glob("*/*")):
        place, kind = f"{path.parent.name}/{path.name}", captured.kind_of(path)
        stem, names = captured.stem_of(path), {one.name for one in path.parent.iterdir()}
        endings = captured.KINDS if path.name == stem + captured.EXPECTED else [captured.EXPECTED]
        if path.parent.name not in declared:
            wrong.append(f"{place}: there is no spider {path.parent.name}")
        elif kind is None and path.name != stem + captured.EXPECTED:
            wrong.append(f"{place}: neither a page nor an expected file")
        elif kind is not None and kind not in declared[path.parent.name]:
            wrong.append(f"{place}: the spider does not declare {kind} in its kinds")
        elif sum(stem + ending in names for ending in endings) != 1:
            wrong.append(f"{place}: not beside one file {stem}{' or '.join(endings)}")
    return wrong


def test_captures_are_pages_of_a_spider_with_what_is_expected():
    wrong = misplaced(CAPTURES, {name: spider.kinds for name, spider in spiders().items()})
    hold(wrong, "a capture is a page and NAME.expected.json", captured.HELP)


@pytest.mark.parametrize(
    ("names", "word"),
    [
        (["toy/a.page.json", "toy/a.expected.json", "toy/b.html", "toy/b.expected.json"], None),
        (["toy/a.html"], "not beside one file a.expected.json"),
        (["toy/a.expected.json"], "not beside one file a.html or .page.json"),
        (["toy/a.json"], "neither a page nor an expected file"),
        (["none/a.html", "none/a.expected.json"], "there is no spider none"),
        (["html/a.page.json", "html/a.expected.json"], "does not declare json"),
    ],
)
def test_a_misplaced_capture_is_named(names, word, tmp_path):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    wrong = misplaced(tmp_path, {"toy": ("html", "json"), "html": ("html",)})
    assert [word in one for one in wrong[:1]] == [True] * (word is not None)


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
