"""Path rules: the pattern language, who wins, and a whole robots.txt as crawlers obey it."""

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from protego import Protego

from registry.model import Evidence, PathRule, Signal, Target
from registry.signals import read
from registry.urls.paths import normal_path, robots_url, url_host, url_path
from registry.verdict.patterns import Pattern
from registry.verdict.site_rules import Robots, SiteRules, applicable

RESERVED = (("train", "reserved"), ("train-genai", "reserved"))


def signals_of(text, url="https://a.example/robots.txt"):
    return read(Evidence("robots-txt", "site", url, text=text)).signals


def rule(pattern, order=0, *, refuses=True, precedence="longest-allow", agents=("*",), **more):
    return Signal(
        name=f"{pattern} {order}",
        vocabulary="robots-txt",
        carrier="robots-txt",
        scope="site",
        raw=pattern,
        uses=RESERVED if refuses else (),
        agents=agents,
        rule=PathRule(pattern, precedence, order),
        **more,
    )


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        # RFC 9309, 2.2.2 and 2.2.3, and what they leave out.
        ("/fish", "/Fish", False),
        ("/fish", "/catfish", False),
        ("/fish/", "/fish", False),
        ("/*.php$", "/a.php?x", False),
        ("/a$b", "/a", False),
        ("/a*b*c$", "/abcabd", False),
        ("*a", "/b", False),
        ("/ab*b$", "/ab", False),
        ("", "/", True),
        ("/fish", "/fishheads?x=1", True),
        ("/fish*", "/fish", True),
        ("/fish$", "/fish", True),
        ("/*.php", "/a/b.php?x", True),
        ("/*.php$", "/a.php.php", True),
        ("/a$b", "/a$b", True),
        ("/a*b*c$", "/aXbYbc", True),
        ("/*", "/", True),
        ("*", "/x", True),
        ("/ツ", "/%E3%83%84", True),
        ("/%e3%83%84", "/ツ", True),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz", True),
        ("/a%2fb", "/a/b", False),
        ("/a%2fb", "/a%2Fb", True),
        ("/a%2A", "/a*", True),
        ("/a%24", "/a$", True),
        ("/100%", "/100%25", True),
        ("/a b", "/a%20b", True),
        ("/*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b$", "/" + "a" * 5000, False),
    ],
)
def test_pattern(pattern, path, expected):
    assert Pattern.compile(pattern).matches(normal_path(path)) is expected


def reference(pattern, path):
    """The pattern language by regular expression, as the RFC words it."""
    anchored = pattern.endswith("$")
    body = pattern[:-1] if anchored else pattern
    expression = ".*".join(re.escape(normal_path(piece)) for piece in body.split("*"))
    expression += r"\Z" if anchored else ""
    return re.match(expression, normal_path(path), re.DOTALL) is not None


SHORT = st.text("/ab*$?%4é", max_size=8)


@given(SHORT, SHORT)
@settings(max_examples=1000)
def test_pattern_is_what_the_regular_expression_says(pattern, rest):
    assert Pattern.compile(pattern).matches(normal_path("/" + rest)) is reference(
        pattern, "/" + rest
    )


@given(st.text())
def test_normal_form_is_one(path):
    assert normal_path(normal_path(path)) == normal_path(path).replace("*", "%2A")
    assert normal_path(path).isascii()


def best_of(signals, places):
    """The longest of them; of those an `Allow`, of those the first; None of none."""
    return min(
        places,
        key=lambda place: (
            -Pattern.compile(signals[place].rule.pattern).length,
            bool(signals[place].uses),
            signals[place].rule.order,
        ),
        default=None,
    )


def brute_force(signals, path):
    """Who wins, agent by agent, from the rules as they stand in the list."""
    won = {}
    for place, signal in enumerate(signals):
        if signal.rule is None:
            won[place] = set(signal.agents)
    agents = {agent for signal in signals for agent in signal.agents}
    for agent in agents:
        matching = [
            place
            for place, signal in enumerate(signals)
            if signal.rule and agent in signal.agents and reference(signal.rule.pattern, path)
        ]
        proper = [place for place in matching if signals[place].conformance == "ok"]
        winners = {best_of(signals, proper)}
        if signals[best_of(signals, matching) or 0].conformance != "ok":
            winners.add(best_of(signals, matching))
        for place in winners - {None}:
            won.setdefault(place, set()).add(agent)
    return [
        replace(signals[place], agents=tuple(a for a in signals[place].agents if a in won[place]))
        for place in sorted(won)
    ]


@given(
    st.lists(
        st.tuples(
            SHORT.map(lambda text: "/" + text),
            st.booleans(),
            st.lists(st.sampled_from("*abc"), min_size=1, max_size=3, unique=True),
            st.booleans(),
        ),
        max_size=8,
    ),
    st.lists(SHORT.map(lambda text: "/" + text), min_size=1, max_size=4),
)
@settings(max_examples=500)
def test_winners_are_those_of_brute_force(rules, paths):
    signals = [
        rule(
            pattern,
            order,
            refuses=refuses or broken,
            agents=tuple(agents),
            conformance="malformed" if broken else "ok",
        )
        for order, (pattern, refuses, agents, broken) in enumerate(rules)
    ]
    compiled = SiteRules(signals)
    for path in paths * 2:
        assert list(compiled.applicable(path)) == brute_force(signals, path)


def names(signals):
    return [signal.name for signal in signals]


def test_a_quotation_mark_and_its_escape_are_one():
    """Browsers and URL keys encode it in a query; who writes rules does not."""
    for pattern in ("/a?x='", "/a?x=%27"):
        for path in ("/a?x='b'", "/a?x=%27b%27"):
            assert Pattern.compile(pattern).matches(normal_path(path))


def test_precedence_first_takes_the_first_in_the_file():
    rules = [rule("/a/b", 2, precedence="first"), rule("/a", 1, precedence="first", refuses=False)]
    assert names(SiteRules(rules).applicable("/a/b")) == ["/a 1"]


def test_precedence_restrict_keeps_all_of_the_longest():
    rules = [
        rule("/a", 0, precedence="longest-restrict"),
        rule("/a/*", 1, precedence="longest-restrict"),
        rule("/a/*", 2, precedence="longest-restrict", refuses=False),
    ]
    assert names(SiteRules(rules).applicable("/a/b")) == ["/a/* 1", "/a/* 2"]


def test_precedence_all_keeps_all():
    rules = [rule("/a", 0, precedence="all", agents=()), rule("/", 1, precedence="all", agents=())]
    assert names(SiteRules(rules).applicable("/a")) == ["/a 0", "/ 1"]
    assert names(SiteRules(rules).applicable("/b")) == ["/ 1"]


def test_files_and_vocabularies_do_not_compete():
    rules = [rule("/", 0), rule("/a", 0, url="u"), replace(rule("/a/", 0), vocabulary="other")]
    assert len(SiteRules(rules).applicable("/a/b")) == 3


def test_malformed_rules_stand_beside_the_winner():
    proper, broken = rule("/", 0), rule("/a", 1, conformance="malformed")
    assert names(SiteRules([proper, broken]).applicable("/a")) == ["/ 0", "/a 1"]
    assert names(SiteRules([proper, broken]).applicable("/b")) == ["/ 0"]
    # One that an ordinary rule outranks is no refusal.
    allow = rule("/a/b", 2, refuses=False)
    assert names(SiteRules([broken, allow]).applicable("/a/b")) == ["/a/b 2"]


def test_signal_comes_back_for_the_agents_it_wins_for():
    text = "User-agent: a\nUser-agent: b\nDisallow: /\nUser-agent: b\nAllow: /\n"
    won = [s for s in SiteRules(signals_of(text)).applicable("/x") if s.rule]
    assert [(s.name, s.agents) for s in won] == [
        ("robots-txt:disallow", ("a",)),
        ("robots-txt:allow", ("b",)),
    ]


def test_same_patterns_give_the_same_object():
    rules = SiteRules(signals_of("User-agent: *\nDisallow: /art/\n"))
    assert rules.applicable("/art/1.jpg") is rules.applicable("/art/2.jpg?w=3")


def test_many_groups_are_told_apart_and_the_memo_is_bounded(monkeypatch):
    monkeypatch.setattr("registry.verdict.site_rules._CACHE_BUDGET", 20)
    text = "".join(f"User-agent: b{n}\nDisallow: /{n}*x\n" for n in range(2_000))
    rules = SiteRules(signals_of(text))
    for number in (7, 1999, 7):
        won = [s for s in rules.applicable(f"/{number}ax") if s.rule]
        assert f"b{number}" in {agent for s in won for agent in s.agents}
        assert len(rules._memo) == 1


def test_a_late_group_is_obeyed_after_thousands_of_rules():
    start = "User-agent: SomeBot\n" + "".join(f"Disallow: /p{n}\n" for n in range(10_001))
    robots = Robots(start + "\nUser-agent: *\nDisallow: /\n")
    assert not robots.allowed("https://a.example/x.jpg", "ours")
    agents = "".join(f"User-agent: b{n}\n" for n in range(1_001))
    closed = Robots(agents + "".join(f"Allow: /{n}\n" for n in range(1_000)))
    assert not closed.allowed("https://a.example/1", "b7")
    assert closed.allowed("https://a.example/1", "ours")
    assert not Robots(agents + "Disallow: /\n").allowed("https://a.example/x.jpg", "b1000")


@pytest.mark.parametrize(
    "path", ["/open/../private/x", "/open/%2e%2E/private/x", "/./private/x", "/open/.\t./private/x"]
)
def test_dot_segments_do_not_hide_a_path(path):
    text = "User-agent: *\nDisallow: /private/\n"
    url = "https://a.example" + path
    assert not Robots(text).allowed(url, "ours")
    assert scopes(signals_of(text), image_url=url) == ["site"]


def test_hosts_are_those_of_url_keys():
    signals = signals_of(ART, "https://xn--strae-oqa.example/robots.txt")
    assert scopes(
        signals, image_url="https://stra\N{LATIN SMALL LETTER SHARP S}e.example/art/1"
    ) == ["site"]
    assert robots_url("HTTP://a.example:443/x") == "http://a.example:443/robots.txt"
    assert robots_url("") == robots_url("https://a b/") == ""


ART = "User-agent: *\nDisallow: /art/\n"


def scopes(signals, **target):
    return [s.scope for s in applicable(signals, Target(**target)) if s.rule]


def test_rules_speak_for_their_own_host():
    signals = signals_of(ART)
    assert scopes(signals, image_url="https://cdn.example/art/1.jpg") == []
    assert scopes(signals, image_url="http://A.example:80/art/1.jpg") == ["site"]
    cdn = {"image_url": "https://cdn.example/1.jpg", "page_url": "https://a.example/art/1"}
    assert scopes(signals, **cdn) == ["page"]
    assert scopes(signals_of(ART, "https://cdn.example/robots.txt"), **cdn) == []


def test_page_rules_on_the_images_own_host():
    signals = signals_of(ART)
    page = "https://a.example/art/1"
    assert scopes(signals, image_url="https://a.example/i.jpg", page_url=page) == ["page"]
    assert scopes(signals, image_url="https://a.example/art/i.jpg", page_url=page) == ["site"]


def test_group_markers_are_kept_and_other_signals_pass():
    signals = signals_of("User-agent: GPTBot\nDisallow:\n")
    header = Signal("noai", "x-robots-tag", "headers", "image", "X-Robots-Tag: noai")
    target = Target(image_url="https://a.example/i.jpg")
    assert names(applicable([*signals, header], target)) == ["noai", "robots-txt:group"]
    elsewhere = Target(image_url="https://b.example/i.jpg")
    assert names(applicable([*signals, header], elsewhere)) == ["noai"]


def test_signals_and_targets_without_a_url():
    assert scopes(signals_of(ART, ""), image_url="https://any.example/art/1") == ["site"]
    assert scopes(signals_of("User-agent: *\nDisallow: /\n")) == ["site"]


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://A.Example:443", "a.example", "/"),
        ("https://u:p@a.example:8443/x?y#z", "a.example:8443", "/x?y"),
        ("//a.example?q", "a.example", "/?q"),
        ("https://a.example#/x", "a.example", "/"),
        ("https://a.example?u=/b", "a.example", "/?u=/b"),
        ("", "", "/"),
        ("https://a.example/x?y=/../z", "a.example", "/x?y=/../z"),
        ("https://a.example/x/..", "a.example", "/"),
    ],
)
def test_url_parts(url, host, path):
    assert (url_host(url), url_path(url)) == (host, path)


@given(st.text())
def test_url_parts_raise_on_nothing(url):
    assert url_path(url).startswith("/")
    assert isinstance(url_host(url), str)


@pytest.mark.parametrize(
    ("text", "agent", "path", "expected"),
    [
        ("User-agent: *\nDisallow: /\n", "ours", "/x", False),
        ("User-agent: *\nDisallow: /\n", "ours", "/robots.txt", True),
        ("User-agent: Ours\nDisallow:\nUser-agent: *\nDisallow: /", "ours/1.0 (+u)", "/x", True),
        ("User-agent: ours\nDisallow: /\n", "OURS", "/x", False),
        ("User-agent: our\nDisallow: /\n", "ours", "/x", True),
        ("User-agent: Applebot\nAllow: /\nUser-agent: *\nDisallow: /", "Applebot-Extended", "/", 0),
        ("User-agent: ours\nFoo: x\nUser-agent: *\nDisallow: /", "ours", "/x", False),
        ("User-agent: *\nDisallow /\n", "ours", "/x", False),
        ("User-agent: PerplexityBot\nDisallow: /\n", "PerplexityBot", "/x", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a\n", "ours", "/a", True),
        ("", "ours", "/x", True),
        ("<html>not a robots file</html>", "ours", "/x", True),
    ],
)
def test_robots_allowed(text, agent, path, expected):
    assert Robots(text).allowed("https://a.example" + path, agent) is bool(expected)


TOKENS = ("alpha", "beta", "gamma")
GROUP = st.tuples(
    st.lists(st.sampled_from([*TOKENS, "*"]), min_size=1, max_size=2, unique=True),
    st.lists(
        st.tuples(
            st.sampled_from(["Allow", "Disallow"]),
            st.sampled_from(["/", "/a", "/a/", "/b", "/*.jpg", "/a/*.jpg", "/b$", "/a/b/"]),
        ),
        min_size=1,
        max_size=4,
    ),
)


@given(
    st.lists(GROUP, min_size=1, max_size=4),
    st.sampled_from([*TOKENS, "delta"]),
    st.sampled_from(["/", "/a", "/a/1.jpg", "/b", "/b/c.jpg", "/a/b/1.jpg?w=2", "/c"]),
)
@settings(max_examples=500)
def test_robots_agree_with_protego_on_plain_files(groups, agent, path):
    """On files where they must agree: whole tokens, no unknown lines, no equal patterns."""
    text = "".join(
        "".join(f"User-agent: {name}\n" for name in names)
        + "".join(f"{kind}: {pattern}\n" for kind, pattern in rules)
        for names, rules in groups
    )
    lengths = [len(pattern) for _, rules in groups for _, pattern in set(rules)]
    assume(len(lengths) == len(set(lengths)))
    url = "https://a.example" + path
    assert Robots(text).allowed(url, agent) == Protego.parse(text).can_fetch(url, agent)
