"""The rules of sites for whole columns, against every row of `sites` tried on every URL."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from made import Made

from registry.checking.answers import answer
from registry.checking.complete import ColumnOffer
from registry.checking.keys import Keys
from registry.checking.outcomes import BY_DECISION, Answers
from registry.checking.wording import Wording, row_words
from registry.index import Index
from registry.index import sites as sites_module
from registry.index.compiled_rules import Compiled
from registry.index.decisions import RANK, STRICT
from registry.model import DECISIONS, OUTCOMES
from registry.snapshot.opened import Snapshot
from registry.urls import columns as columns_module
from registry.urls.columns import key_column
from registry.urls.key import split_key, url_key
from registry.urls.sites import covering_hosts, same_site, wider_hosts
from registry.verdict import decide
from registry.verdict.site_rules import SiteRules, claim_covers, concerns

CLEAR, REVIEW = OUTCOMES.index("clear"), OUTCOMES.index("review")
NAMES = ("a.example", "b.example", "c.co.uk", "xn--4ca.example", "10.0.0.1", "d.github.io")
SPELLED = (p + n + e for n in NAMES for p in ("", "www.", "img.", "x.img.") for e in ("", ":81"))
HOSTS = tuple(host for host in SPELLED if url_key(f"//{host}/"))
PATHS = (
    *("/", "/art/1.jpg", "/art/private/2.jpg", "/b?x=1", "/%61rt/3.jpg", "/ä.jpg"),
    *("/it%27s.jpg", "/it's.jpg"),
)
PATTERNS = (
    *(None, "/", "/art/", "/*.jpg$", "/art/private/"),
    *("*2.jpg", "/%61rt/", "/art/1.jpg$", "/b?x", "/ä", "/%C3%A4*$", "/it's"),
)
ROBOTS = (
    "User-agent: *\nDisallow: /art/private/\n",
    "User-agent: *\nContent-Usage: train-ai=n\nContent-Usage: /b train-ai=y\n",
    "User-agent: GPTBot\nDisallow: /\n",
)


def made(seed: int) -> Made:
    rng, one = random.Random(seed), Made()
    for host in rng.sample(HOSTS, 8):
        one.robots(host, rng.choice(ROBOTS))
    for _ in range(25):
        one.claim(
            site=rng.choice(HOSTS),
            path_pattern=rng.choice(PATTERNS),
            meaning=rng.choice(("reserved", "reserved", "allowed", "conditional")),
            use=rng.choice(("train", "train", "search")),
            signal=rng.choice(("noai", "tdm", None)),
            evidence=rng.choice((None, None, "said so")),
        )
    return one


@cache
def rows_of(snapshot: Snapshot):
    rows = []
    for site in snapshot.sites:
        signals = [s for s in site.signals if concerns(s, site.host)]
        if any(s.uses or s.licence_url for s in signals):
            covers = claim_covers(signals) if site.is_claim else (False, False)
            rows.append((site, SiteRules(signals), *covers))
    return rows


def rows_about(snapshot: Snapshot, host: str, path: str):
    """Return (site, applicable signals) of the rows that cover a host, and of those that may."""
    covers, may = list(covering_hosts(host)), list(wider_hosts(host))
    own, wider = list[tuple[object, tuple]](), list[tuple[object, tuple]]()
    for name in covers + may:
        for site, rules, refuses, whole in rows_of(snapshot):
            if site.host != name:
                continue
            if name == host or (name in covers and refuses):
                own.append((site, rules.applicable(path)))
            elif name in may and whole:
                wider.append((site, rules.applicable(path)))
    return own, wider


def together(own, page=None):
    of_own = [s for _, signals in own for s in signals]
    of_page = [replace(s, scope="page") for _, some in page or () for s in some if s not in of_own]
    verdict = decide([*of_own, *of_page], "cautious")
    marks = {(s.name, s.url, s.raw) for s in verdict.deciding}
    deciding = own if page is None else page
    named = (site for site, some in deciding if marks & {(s.name, s.url, s.raw) for s in some})
    return next(named, None), verdict


def outcome_of(verdict) -> int:
    return int(BY_DECISION[RANK[verdict.decision]])


def of_picture(snapshot: Snapshot, key: str):
    own, wider = rows_about(snapshot, *split_key(key))
    site, verdict = together(own)
    outcome = outcome_of(verdict)
    if outcome == CLEAR:
        site, verdict = together(wider)
        outcome = REVIEW if RANK[verdict.decision] < STRICT else CLEAR
    return outcome, site, verdict


def of_page(snapshot: Snapshot, picture: str | None, page: str):
    own = rows_about(snapshot, *split_key(picture))[0] if picture else []
    mine, wider = rows_about(snapshot, *split_key(page))
    site, verdict = together(own, mine)
    is_own = site is not None and RANK[verdict.decision] < STRICT
    if not is_own:
        site, verdict = together(own, wider)
    hosts = picture and same_site(split_key(picture)[0], split_key(page)[0])
    outcome = REVIEW if RANK[verdict.decision] < STRICT else CLEAR
    return outcome_of(verdict) if is_own and hosts else outcome, site, verdict


def keys_of(urls: list[str | None], pages: list[str] | None = None) -> Keys:
    held = np.array([url is not None for url in urls])
    keys = Keys(len(urls), offers=[ColumnOffer(held, held, "bad-url")])
    keys.urls = [key_column(pa.array(urls, pa.string()))]
    if pages:
        keys.pages = [key_column(pa.array(pages, pa.string()))]
        keys.offers.append(ColumnOffer(np.ones_like(held), np.ones_like(held), "bad-page"))
    return keys


def agree(index: Index, keys: Keys, answers: Answers, row: int, expected) -> None:
    outcome, site, verdict = expected
    assert OUTCOMES[answers.outcome[row]] == OUTCOMES[outcome]
    if outcome == CLEAR:
        assert answers.site[row] == -1
        return
    found = index.snapshot.sites[int(answers.site[row])]
    assert found.name == site.name
    words = row_words(keys, answers, Wording(index), row)
    names = index.sites.names_of_marks()[answers.marks[row]]
    assert words is not None
    assert words.marks == names == tuple(dict.fromkeys(s.name for s in verdict.deciding))


@pytest.mark.parametrize("seed", range(4))
def test_columns_of_pictures_equal_brute_force(tmp_path: Path, seed: int, monkeypatch):
    # Short columns are read row by row, long ones by the kernels.
    monkeypatch.setattr(columns_module, "is_compiled", lambda rows: seed % 2 == 0)
    snapshot, rng = made(seed).snapshot(tmp_path), random.Random(seed)
    urls = [f"https://{host}{rng.choice(PATHS)}" for host in HOSTS for _ in range(2)]
    keys, index = keys_of(urls), Index(snapshot, "cautious")
    # The second time every host is remembered.
    for _ in range(2):
        answers = answer(keys, index, None)
        for row in range(len(urls)):
            agree(index, keys, answers, row, of_picture(snapshot, keys.urls[0].key(row)))
    assert {OUTCOMES[code] for code in answers.outcome} >= {"clear", "review", "reserved"}


@pytest.mark.parametrize("seed", range(4))
def test_columns_of_pages_equal_brute_force(tmp_path: Path, seed: int, monkeypatch):
    # What is remembered is dropped all the time.
    monkeypatch.setattr(sites_module, "_MOST", 3)
    snapshot, rng = made(seed).snapshot(tmp_path), random.Random(seed)
    rows = 150
    urls = [
        f"https://{rng.choice(HOSTS)}{rng.choice(PATHS)}" if rng.random() < 0.8 else None
        for _ in range(rows)
    ]
    pages = [f"https://{rng.choice(HOSTS)}{rng.choice(PATHS)}" for _ in range(rows)]
    pages[:9] = [url or page for url, page in zip(urls[:9], pages[:9], strict=True)]
    keys, index = keys_of(urls, pages), Index(snapshot, "cautious")
    answers = answer(keys, index, None)
    for row in range(rows):
        picture, page = keys.urls[0].key(row), keys.pages[0].key(row)
        first = of_picture(snapshot, picture) if picture else (CLEAR, None, None)
        second = of_page(snapshot, picture, page) if page != picture else first
        if urls[row] is None and min(first[0], second[0]) == CLEAR:
            continue
        agree(index, keys, answers, row, second if second[0] < first[0] else first)
    assert len(set(answers.outcome.tolist())) >= 3


def test_of_many_rules_for_paths_those_that_may_apply_are_asked(tmp_path: Path, monkeypatch):
    one = Made()
    for number in range(500):
        one.claim(site="a.example", path_pattern=f"/u{number}/*")
    index, asked = Index(one.snapshot(tmp_path), "cautious"), list[str]()
    applicable = Compiled.applicable

    def counted(rules: Compiled, path: str):
        asked.append(path)
        return applicable(rules, path)

    monkeypatch.setattr(Compiled, "applicable", counted)
    urls = [f"https://a.example/u{number}/1.jpg" for number in range(600)]
    ruled = index.sites.ruled(key_column(pa.array(urls)))
    assert ruled.rows.tolist() == list(range(500))
    assert len(set(ruled.states.tolist())) == len(asked) == 500


def test_another_host_with_the_same_hash_has_its_own_answer(tmp_path: Path):
    one = Made()
    one.claim(site="a.example")
    index = Index(one.snapshot(tmp_path), "cautious")
    column = key_column(pa.array(["https://a.example/1", "https://b.example/1"]))
    column.hosts[1] = column.hosts[0]
    assert index.sites.ruled(column).rows.tolist() == [0]


def test_decisions_are_all_in_the_outcomes():
    assert len(BY_DECISION) == len(DECISIONS)
