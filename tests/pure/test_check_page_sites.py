"""What the site of a row's page says of its picture, and when a person must decide."""

import random

import pyarrow as pa
import pytest
from made import Made

from registry.checking.answers import answer
from registry.checking.complete import ColumnOffer
from registry.checking.keys import Keys
from registry.checking.wording import Wording, row_words
from registry.index import Index
from registry.lookups import lookup
from registry.model import OUTCOMES, Evidence, Target
from registry.signals import read
from registry.urls.columns import key_column
from registry.urls.sites import same_site
from registry.verdict import decide
from registry.verdict.site_rules import applicable

SHUT = "User-agent: GPTBot\nDisallow: /works/\n"
PAGE = "https://art.example/works/1.html"
CDN = "https://cdn.example.net/1.jpg"
OWN = "https://img.art.example/1.jpg"


def keys_of(picture: str | None, page: str | None) -> Keys:
    keys = Keys(1)
    for url, into, role in ((picture, keys.urls, "url"), (page, keys.pages, "page_url")):
        column = pa.array([url], pa.string())
        held = column.is_valid().to_numpy(False)
        into.append(key_column(column))
        keys.offers.append(ColumnOffer(held, held, f"bad-{role}", names_picture=role == "url"))
    return keys


def ask(index: Index, picture: str | None, page: str | None) -> tuple[str, str]:
    """Return the outcome of a row and the marks that it met."""
    keys = keys_of(picture, page)
    found = answer(keys, index, None)
    words = row_words(keys, found, Wording(index), 0)
    return OUTCOMES[found.outcome[0]], words.reason if words else ""


@pytest.fixture
def shut(tmp_path):
    made = Made()
    made.robots("art.example", SHUT)
    return made.snapshot(tmp_path)


RULES = (
    "Disallow: {}",
    "Allow: {}",
    "Content-Usage: {} train-ai=n",
    "Content-Usage: {} train-ai=y",
)
CASES = [
    # picture, page, what a check says
    (OWN, PAGE, "reserved"),
    ("https://art.example/free/1.jpg", PAGE, "reserved"),
    (CDN, PAGE, "review"),
    (None, PAGE, "review"),
    (OWN, "https://art.example/free/1.html", "clear"),
    (CDN, "https://art.example/free/1.html", "clear"),
    (CDN, "https://open.example/works/1.html", "clear"),
    (None, "https://open.example/works/1.html", "unchecked"),
]


@pytest.mark.parametrize(("picture", "page", "outcome"), CASES)
def test_rules_of_the_pages_site(shut, picture, page, outcome):
    said, reason = ask(Index(shut, "cautious"), picture, page)
    assert said == outcome
    assert ("Disallow: /works/" in reason) == (outcome in {"reserved", "review"})


def test_a_look_up_of_the_page_agrees(tmp_path):
    made = Made()
    made.robots("art.example", SHUT)
    made.observe("https://art.example/free/1.jpg", image_id=made.image(), page_url=PAGE)
    index = Index(made.snapshot(tmp_path), "letter")
    assert (lookup(index, PAGE).page, ask(index, None, PAGE)[0]) == ("unchecked", "unchecked")
    index = Index(index.snapshot, "cautious")
    assert (lookup(index, PAGE).page, ask(index, None, PAGE)[0]) == ("reserved", "reserved")


@pytest.mark.parametrize("picture", [OWN, CDN])
def test_a_policy_for_which_a_pages_path_is_not_the_pictures(shut, picture):
    assert ask(Index(shut, "letter"), picture, PAGE)[0] == "clear"


def test_a_claim_on_the_pages_site(tmp_path):
    made = Made()
    made.claim(site="art.example", evidence="all of it")
    index = Index(made.snapshot(tmp_path), "cautious")
    assert ask(index, CDN, PAGE) == ("review", "all of it at art.example")
    for host in ("www.art.example", "shop.art.example"):
        said, reason = ask(index, CDN, f"https://{host}/works/1.html")
        assert (said, "all of it" in reason) == ("review", True)


def test_a_permission_does_not_lift_a_claim_on_the_wider_site(tmp_path):
    made = Made()
    made.robots("shop.art.example", "User-agent: *\nContent-Usage: train-ai=y\n")
    made.claim(site="art.example")
    index = Index(made.snapshot(tmp_path), "cautious")
    for picture in (CDN, "https://shop.art.example/1.jpg"):
        assert ask(index, picture, "https://shop.art.example/works/1.html")[0] == "review"


def test_what_a_crawl_saw_of_the_picture_has_been_weighed_with_its_page(tmp_path):
    made = Made()
    made.robots("art.example", SHUT)
    made.observe(CDN, [], image_id=made.image(), page_url=PAGE, relation="third-party")
    made.claim(site="claimed.example")
    index = Index(made.snapshot(tmp_path), "cautious")
    assert ask(index, CDN, PAGE)[0] == "clear"
    assert ask(index, CDN, "https://claimed.example/works/1.html")[0] == "review"


def test_a_rule_of_the_pictures_own_site_goes_first(shut):
    keys = keys_of("https://art.example/works/1.jpg", PAGE)
    found = answer(keys, Index(shut, "cautious"), None)
    assert (OUTCOMES[found.outcome[0]], bool(found.page[0])) == ("reserved", False)


@pytest.mark.parametrize("seed", range(40))
def test_a_check_agrees_with_a_verdict_on_all_rules(tmp_path, seed):
    """The oracle: every rule of both hosts, reduced to those that win, decided at once."""
    rng = random.Random(seed)
    paths = ("/", "/works/", "/works/*.html", "/free/", "/1", "")
    made, signals = Made(), []
    for host in ("art.example", "img.art.example"):
        lines = ["User-agent: *", "User-agent: GPTBot"][rng.randrange(2) :]
        for _ in range(rng.randrange(5)):
            rule = rng.choice(RULES)
            lines.append(rule.format(rng.choice(paths)))
        text = "\n".join(lines) + "\n"
        made.robots(host, text)
        url = f"https://{host}/robots.txt"
        signals += read(Evidence(carrier="robots-txt", about="site", url=url, text=text)).signals
    index = Index(made.snapshot(tmp_path), "cautious")
    for picture in (OWN, CDN, "https://art.example/works/1.jpg"):
        for page in (PAGE, "https://art.example/free/1.html", "https://img.art.example/1"):
            target = Target(image_url=picture, page_url=page)
            decision = decide(applicable(signals, target), "cautious").decision
            outcome = {"reserved": "reserved", "conditional": "conditional"}.get(decision, "clear")
            if outcome != "clear" and not same_site("art.example", picture.split("/")[2]):
                outcome = "review"
            assert ask(index, picture, page)[0] == outcome, (picture, page)
