"""How TDMRep's places replace one another, whatever the order in which they are read."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.model import PathRule, Signal
from registry.verdict import decide
from registry.verdict.precedence import settled

LAYERS = {"tdmrep-json": "site", "headers": "image", "xmp": "image"}


def tdm(carrier, value, *, scope=None, conformance="ok", url="https://a.example/"):
    meaning = "reserved" if value else "allowed"
    return Signal(
        name=f"tdm-reservation={value}",
        vocabulary="tdmrep",
        carrier=carrier,
        scope=scope or LAYERS[carrier],
        raw="raw",
        url=url,
        uses=tuple((use, meaning) for use in ("tdm", "train", "train-genai")),
        rule=PathRule("/", "first", 0) if carrier == "tdmrep-json" else None,
        conformance=conformance,
    )


def policy(carrier, url="https://a.example/p", scope=None):
    scope = scope or LAYERS[carrier]
    return Signal("tdm-policy", "tdmrep", carrier, scope, "raw", licence_url=url)


def left(signals, asked="image"):
    return [(s.carrier, s.name, s.meaning("tdm")) for s in settled(signals, asked)]


@pytest.mark.parametrize("low", [0, 1])
@pytest.mark.parametrize("high", [0, 1])
def test_a_later_place_replaces_an_earlier_one(low, high):
    for signals in permutations([tdm("tdmrep-json", low), tdm("headers", high)]):
        assert [s.carrier for s in settled(signals)] == ["headers"]
        assert decide(signals, "letter").decision == ("reserved" if high else "allowed")


@pytest.mark.parametrize("policy_name", ["letter", "cautious", "eu-tdm"])
@pytest.mark.parametrize("carrier", ["tdmrep-json", "headers"])
def test_the_file_s_metadata_lifts_and_softens_nothing_of_the_site_s(carrier, policy_name):
    def decided(*signals):
        return {decide(s, policy_name).decision for s in permutations(signals)}

    site, file, terms = tdm(carrier, 1), tdm("xmp", 1), policy("xmp")
    assert decided(site, tdm("xmp", 0)) == {"reserved"}
    assert decided(site, terms) == {"reserved"}
    assert decided(site, file, terms) == {"reserved"}
    assert decided(tdm(carrier, 0), file) == {"reserved"}
    assert decided(tdm(carrier, 0), file, terms) == {"conditional"}
    assert decided(file, policy(carrier)) == {"reserved"}
    assert decided(site, policy(carrier), tdm("xmp", 0)) == {"conditional"}
    assert decided(site, policy(carrier), file) == {"reserved"}
    assert decided(tdm("xmp", 0)) == {"allowed"}


def test_each_property_is_replaced_on_its_own():
    file = [tdm("tdmrep-json", 1), policy("tdmrep-json", "https://a.example/file")]
    header = policy("headers", "https://a.example/header")
    verdict = decide([*file, header], "letter")
    assert (verdict.decision, verdict.licence_url) == ("conditional", "https://a.example/header")
    assert left([*file, header]) == [
        ("tdmrep-json", "tdm-reservation=1", "conditional"),
        ("headers", "tdm-policy", None),
    ]
    verdict = decide([*file, tdm("headers", 1)], "letter")
    assert (verdict.decision, verdict.licence_url) == ("conditional", "https://a.example/file")


def test_a_policy_without_a_reservation_is_dropped():
    assert left([policy("headers")]) == []
    file = [tdm("headers", 0), policy("tdmrep-json")]
    assert left(file) == [("headers", "tdm-reservation=0", "allowed")]
    assert left([tdm("headers", 1), policy("xmp")]) == [
        ("headers", "tdm-reservation=1", "reserved")
    ]


def test_what_is_malformed_replaces_nothing_and_is_replaced():
    guess = tdm("headers", 1, conformance="malformed")
    signals = [tdm("tdmrep-json", 0), guess]
    assert len(settled(signals)) == 2
    assert decide(signals, "letter").decision == "allowed"
    assert decide(signals, "cautious").decision == "reserved"
    file, header = tdm("tdmrep-json", 1, conformance="malformed"), tdm("headers", 0)
    assert left([file, header]) == [("headers", "tdm-reservation=0", "allowed")]


def test_a_policy_beside_a_proper_0_does_not_license_a_malformed_1():
    signals = [
        tdm("tdmrep-json", 0),
        policy("tdmrep-json"),
        tdm("headers", 1, conformance="malformed"),
    ]
    verdict = decide(signals, "cautious")
    assert (verdict.decision, verdict.licence_url) == ("reserved", None)


def test_the_page_and_the_image_are_settled_apart():
    image, page = tdm("headers", 1), tdm("html", 0, scope="page")
    assert len(settled([image, page])) == 2
    assert decide([image, page], "letter").decision == "reserved"
    assert decide([image, policy("html", scope="page")], "letter").decision == "reserved"
    image, page = tdm("headers", 0), tdm("html", 1, scope="page")
    assert decide([image, page], "letter").decision == "allowed"
    assert decide([image, page], "cautious").decision == "reserved"


def test_of_a_page_asked_about_every_place_speaks():
    signals = [tdm("tdmrep-json", 1), tdm("headers", 1), tdm("html", 0, scope="page")]
    assert left(signals, "page") == [("html", "tdm-reservation=0", "allowed")]
    assert decide(signals, "letter", asked="page").decision == "allowed"
    assert decide(signals, "letter").decision == "reserved"


def test_a_file_that_permits_the_image_is_no_evidence_through_the_page():
    page = tdm("tdmrep-json", 1, scope="page")
    assert decide([tdm("tdmrep-json", 0), page], "cautious").decision == "allowed"
    assert decide([page], "cautious").decision == "reserved"
    elsewhere = tdm("tdmrep-json", 1, scope="page", url="https://b.example/")
    assert decide([tdm("tdmrep-json", 0), elsewhere], "cautious").decision == "reserved"
    guess = tdm("tdmrep-json", 0, conformance="malformed")
    assert decide([guess, page], "cautious").decision == "reserved"


def test_other_vocabularies_are_left_alone():
    other = Signal("noai", "robots-meta", "html", "page", "raw", uses=(("train", "reserved"),))
    assert settled([other, tdm("tdmrep-json", 0), tdm("headers", 1), other])[0] is other
    assert len(settled([other, tdm("tdmrep-json", 0), tdm("headers", 1), other])) == 3


@given(st.permutations([tdm("tdmrep-json", 1), policy("headers"), tdm("xmp", 1), policy("xmp")]))
def test_order_does_not_matter(signals):
    verdict = decide(signals, "letter")
    assert verdict.decision == "conditional"
    assert {s.carrier for s in settled(signals)} == {"tdmrep-json", "headers", "xmp"}


ROBOTS = "https://a.example/robots.txt"
REFUSED = (("train", "reserved"), ("train-genai", "reserved"))


def in_robots(name, uses, *, agents=("*",), scope="site"):
    vocabulary = name.partition(":")[0]
    rule = PathRule("/", "longest-restrict", 0)
    return Signal(name, vocabulary, "robots-txt", scope, "raw", ROBOTS, uses, agents, rule)


def test_a_path_that_may_not_be_fetched_loses_permissions_and_no_refusal():
    def kept(preference, disallow):
        return preference in settled([preference, disallow])

    no = in_robots("content-usage:train-ai=n", REFUSED)
    yes = in_robots("content-usage:train-ai=y", tuple((use, "allowed") for use, _ in REFUSED))
    closed = in_robots("robots-txt:disallow", REFUSED)
    assert not kept(no, closed)
    assert not kept(yes, closed)
    # Of another path, of another use, to other agents: the Disallow does not say the same.
    page = replace(closed, scope="page")
    assert kept(no, page)
    assert kept(yes, page)
    search = replace(closed, uses=(("search", "reserved"),))
    assert kept(no, search)
    assert not kept(yes, search)
    both = ("*", "oai-searchbot")
    assert kept(replace(no, agents=both), closed)
    assert not kept(replace(yes, agents=both), closed)
    assert kept(replace(no, agents=("gptbot",)), closed)
