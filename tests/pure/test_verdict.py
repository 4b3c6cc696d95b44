"""Policies: which signals count, for whom, and what outranks what."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import UsageError
from registry.model import DECISIONS, Evidence, PathRule, Signal, Target
from registry.signals import read
from registry.verdict import POLICIES, decide, known_policies
from registry.verdict.site_rules import applicable

RESERVED = (("train", "reserved"), ("train-genai", "reserved"))


def mark(name="noai", **more):
    given = {"uses": RESERVED, **more}
    return Signal(name, "robots-meta", "html", "page", f"<meta {name}>", **given)


def saying(meaning, **more):
    return mark(f"says-{meaning}", uses=(("train", meaning), ("train-genai", meaning)), **more)


def robots(text, agent=None, policy="cautious", path="/x"):
    url = "https://a.example"
    evidence = Evidence("robots-txt", "site", url + "/robots.txt", text=text)
    signals = applicable(read(evidence).signals, Target(image_url=url + path))
    return decide(signals, policy, agent).decision


def test_nothing_is_unspecified():
    verdict = decide([])
    assert (verdict.decision, verdict.policy, verdict.deciding) == ("unspecified", "cautious@2", ())


@pytest.mark.parametrize("policy", known_policies())
def test_silence_and_other_uses_permit_nothing(policy):
    signals = [
        mark("noindex", uses=(("index", "reserved"), ("search", "reserved"))),
        mark("noarchive", uses=()),
    ]
    verdict = decide(signals, policy)
    assert (verdict.decision, verdict.deciding) == ("unspecified", ())


def test_policies_are_named_versioned_and_reasoned():
    assert known_policies() == ("cautious", "letter", "noai", "eu-tdm")
    assert all(policy.reason and policy.version >= 1 for policy in POLICIES)
    assert decide([], "letter@2").policy == "letter@2"


@pytest.mark.parametrize("name", ["strict", "", "letter@9", "LETTER"])
def test_unknown_policy_lists_the_known(name):
    with pytest.raises(UsageError) as error:
        decide([], name)
    assert error.value.exit_code == 2
    assert all(known in error.value.hint for known in known_policies())


@given(st.lists(st.sampled_from(DECISIONS[:3]), min_size=1, max_size=5))
def test_strictest_meaning_decides_and_names_all_that_say_it(meanings):
    signals = [saying(meaning) for meaning in meanings]
    verdict = decide(signals, "letter")
    strictest = min(meanings, key=DECISIONS.index)
    assert verdict.decision == strictest
    # What is said twice in the same words is one mark.
    assert verdict.deciding == tuple(dict.fromkeys(s for s in signals if s.uses[0][1] == strictest))


def test_permission_for_one_kind_of_training_is_none_for_the_other():
    classify = mark("a", uses=(("train", "allowed"),))
    generate = mark("b", uses=(("train-genai", "allowed"),))
    assert decide([classify]).decision == decide([generate]).decision == "unspecified"
    assert decide([classify, generate]).decision == "allowed"


def test_generative_training_counts_as_much():
    signals = [mark("a", uses=(("train", "allowed"), ("train-genai", "reserved")))]
    assert decide(signals).decision == "reserved"


@pytest.mark.parametrize("conformance", ["malformed", "legacy"])
def test_ill_formed_marks_count_under_cautious_and_only_to_refuse(conformance):
    refusal = mark(conformance=conformance)
    assert decide([refusal], "letter").decision == "unspecified"
    assert decide([refusal], "noai").decision == "unspecified"
    assert decide([refusal], "cautious").decision == "reserved"
    permission = saying("allowed", conformance=conformance)
    assert decide([permission], "cautious").decision == "unspecified"
    assert decide([permission], "letter").decision == "unspecified"


def test_marks_for_an_agent():
    to_gptbot, to_google = mark(agents=("gptbot",)), mark(agents=("googlebot",))
    assert decide([to_gptbot], "letter").decision == "unspecified"
    assert decide([to_gptbot], "cautious").decision == "reserved"
    assert decide([to_google], "cautious").decision == "unspecified"
    assert decide([to_gptbot], "letter", "GPTBot/1.2").decision == "reserved"
    assert decide([to_gptbot], "cautious", "CCBot").decision == "unspecified"
    assert decide([mark()], "letter", "CCBot").decision == "reserved"


def test_noai_policy_knows_the_label_alone():
    assert decide([mark("noai")], "noai").decision == "reserved"
    assert decide([mark("noimageai")], "noai").decision == "reserved"
    assert decide([mark("noml")], "noai").decision == "unspecified"
    assert robots("User-agent: *\nDisallow: /\n", policy="noai") == "unspecified"


def test_marks_of_a_page_cover_other_peoples_images():
    for policy in known_policies():
        assert decide([mark(third_party=True)], policy).decision == "reserved"


def test_rules_for_the_page_alone():
    rule = Signal(
        "robots-txt:disallow",
        "robots-txt",
        "robots-txt",
        "page",
        "Disallow: /",
        uses=RESERVED,
        agents=("*",),
        rule=PathRule("/", "longest-allow", 0),
    )
    assert decide([rule], "letter").decision == "unspecified"
    assert decide([rule], "cautious").decision == "reserved"
    assert decide([replace(rule, third_party=True)], "cautious").decision == "unspecified"


GROUPS = "User-agent: GPTBot\nDisallow: /private/\nUser-agent: *\nDisallow: /\n"


def test_own_group_replaces_everybodys_even_where_no_rule_matches():
    assert robots(GROUPS, "gptbot") == "unspecified"
    assert robots(GROUPS, "ccbot") == "reserved"
    assert robots(GROUPS) == "reserved"
    assert robots(GROUPS, "gptbot", path="/private/x") == "reserved"


def test_own_group_in_one_file_leaves_the_other_file_alone():
    refusing = Evidence("robots-txt", "site", "u2", text="User-agent: *\nDisallow: /\n")
    freeing = Evidence("robots-txt", "site", "u1", text="User-agent: GPTBot\nAllow: /\n")
    both = [*read(refusing).signals, *read(freeing).signals]
    assert decide(both, "letter", "gptbot").decision == "reserved"


def test_refusals_of_training_agents_count_for_nobody_in_particular():
    text = "User-agent: {}\nDisallow: /\n"
    assert robots(text.format("CCBot")) == "reserved"
    assert robots(text.format("CCBot"), policy="letter") == "unspecified"
    assert robots(text.format("Googlebot")) == "unspecified"
    assert robots(text.format("ChatGPT-User")) == "unspecified"


def test_agents_are_compared_whole():
    text = "User-agent: Applebot-Extended\nDisallow: /\n"
    assert robots(text, "Applebot") == "unspecified"
    assert robots(text, "applebot-extended") == "reserved"


def test_malformed_group_replaces_nothing():
    text = "User-agent: Kangaroo Bot\nDisallow: /x/\nUser-agent: *\nDisallow: /\n"
    assert robots(text, "kangaroo bot", "letter", "/x/1") == "reserved"


def test_names_that_are_no_tokens_count_under_cautious():
    text = "User-agent: foo*bot\nDisallow: /\n"
    assert robots(text, "foobot") == "reserved"
    assert robots(text, "foobot", "letter") == "unspecified"
    assert robots(text, "barbot") == "unspecified"


@pytest.mark.parametrize(
    ("agent", "names", "expected"),
    [
        (None, ("noarchive",), "unspecified"),
        ("gptbot", ("noarchive",), "unspecified"),
        ("googlebot", ("noarchive", "nocache"), "unspecified"),
        ("amazonbot", ("nocache",), "unspecified"),
        ("Amazonbot", ("noarchive",), "reserved"),
        ("bingbot", ("noarchive",), "reserved"),
        ("bingbot", ("nocache",), "conditional"),
        ("bingbot", ("noarchive", "nocache"), "conditional"),
        ("bingbot", ("noarchive", "nocache", "noai"), "reserved"),
    ],
)
def test_what_bing_and_amazon_read_in_noarchive(agent, names, expected):
    signals = [mark(name, uses=RESERVED if name == "noai" else ()) for name in names]
    assert decide(signals, "letter", agent).decision == expected


def test_licence_of_the_deciding_signal():
    signals = [
        saying("allowed", licence_url="https://a.example/free"),
        saying("conditional", licence_url="https://a.example/paid"),
    ]
    assert decide(signals).licence_url == "https://a.example/paid"
    assert decide([mark(), *signals]).licence_url == "https://a.example/free"
    assert decide([mark("x", uses=(), licence_url="https://a.example/l")]).decision == "unspecified"


def says(vocabulary, meaning, url="https://a.example/x", scope="site", **more):
    uses = (("train", meaning), ("train-genai", meaning))
    return Signal(
        f"{vocabulary}={meaning}", vocabulary, "headers", scope, meaning, url, uses=uses, **more
    )


def test_a_page_speaks_for_its_images_by_vocabulary():
    tdm, label = says("tdmrep", "reserved", scope="page"), mark()
    assert decide([tdm], "letter").decision == "unspecified"
    assert decide([label], "letter").decision == "reserved"
    assert decide([tdm], "cautious").decision == decide([tdm], "eu-tdm").decision == "reserved"
    assert decide([replace(tdm, third_party=True)], "cautious").decision == "unspecified"
    assert decide([tdm], "letter", asked="page").decision == "reserved"


@pytest.mark.parametrize("policy", known_policies())
def test_a_permission_on_the_page_never_reaches_an_image(policy):
    permission = says("content-usage", "allowed", scope="page")
    assert decide([permission], policy).decision == "unspecified"
    if policy != "noai":
        assert decide([permission], policy, asked="page").decision == "allowed"


def test_mining_counts_as_training_where_the_policy_says_so():
    mining = mark("c2pa:data_mining=notAllowed", uses=(("tdm", "reserved"),))
    assert decide([mining], "cautious").decision == decide([mining], "eu-tdm").decision
    assert decide([mining], "cautious").decision == "reserved"
    assert decide([mining], "letter").decision == "unspecified"
    # To mine is not to train: a permission of the one says nothing of the other.
    permission = mark("c2pa:data_mining=allowed", uses=(("tdm", "allowed"),))
    assert decide([permission], "cautious").decision == "unspecified"


def test_what_reserves_in_the_sense_of_the_directive():
    named = mark(agents=("gptbot",))
    assert decide([named], "eu-tdm").decision == "unspecified"
    assert decide([mark()], "eu-tdm").decision == "reserved"
    assert decide([mark(conformance="legacy")], "eu-tdm").decision == "reserved"
    for guess in ("malformed", "unverified"):
        assert decide([mark(conformance=guess)], "eu-tdm").decision == "unspecified"
        assert decide([mark(conformance=guess)], "cautious").decision == "reserved"
    assert robots("User-agent: *\nDisallow: /\n", policy="eu-tdm") == "reserved"
    assert robots("User-agent: GPTBot\nDisallow: /\n", policy="eu-tdm") == "unspecified"


def test_a_refusal_and_a_licence_of_one_site_are_a_condition():
    refusal = says("content-usage", "reserved")
    offer = says("rsl", "conditional", licence_url="https://a.example/licence")
    verdict = decide([refusal, offer])
    assert (verdict.decision, verdict.deciding) == ("conditional", (refusal, offer))
    assert verdict.licence_url == "https://a.example/licence"


@pytest.mark.parametrize(
    "other",
    [
        says("rsl", "reserved"),
        says("x-robots-tag", "reserved"),
        says("plus", "reserved"),
        says("content-usage", "reserved", url="https://b.example/x"),
    ],
)
def test_a_licence_lifts_nobody_elses_refusal(other):
    offer = says("rsl", "conditional")
    assert decide([offer, other]).decision == "reserved"
    assert decide([offer, other, says("content-usage", "reserved")]).decision == "reserved"


def test_a_licence_for_the_pages_path_or_in_the_file_is_no_offer_of_the_images_site():
    refusal = says("tdmrep", "reserved", scope="image")
    on_page = says("rsl", "conditional", scope="page", rule=PathRule("/x", "all", 0))
    in_file = replace(says("rsl", "conditional", scope="image"), carrier="xmp")
    for offer in (on_page, in_file):
        assert decide([refusal, offer], "cautious").decision == "reserved"
    assert decide([refusal, on_page], "letter", asked="page").decision == "conditional"


def test_a_licence_for_one_use_lifts_no_refusal_of_another():
    refusal = says("content-usage", "reserved")
    offer = replace(says("rsl", "conditional"), uses=(("train-genai", "conditional"),))
    assert decide([refusal, offer]).decision == "reserved"


def test_an_operators_own_reading_of_a_guess_refuses_at_most():
    proper, guess = mark("noarchive", uses=()), mark("nocache", uses=(), conformance="malformed")
    assert decide([proper, guess], "letter", "bingbot").decision == "reserved"
    assert decide([proper, guess], "cautious", "bingbot").decision == "reserved"
    alone = replace(proper, conformance="malformed")
    assert decide([alone], "letter", "bingbot").decision == "unspecified"
    assert decide([alone], "cautious", "bingbot").decision == "reserved"
    in_body = replace(proper, name="noarchive(body)", conformance="legacy")
    assert decide([in_body], "cautious", "bingbot").decision == "reserved"
    assert decide([proper], "noai", "bingbot").decision == "unspecified"


def test_a_policy_names_no_licence_of_marks_that_it_does_not_know():
    link = mark("x", uses=(), licence_url="https://a.example/l")
    assert decide([link], "letter").licence_url == "https://a.example/l"
    assert decide([link], "noai").licence_url is None


def test_mining_that_is_licensed_with_training_is_a_condition():
    refusal = replace(
        says("tdmrep", "reserved"),
        uses=(("tdm", "reserved"), ("train", "reserved"), ("train-genai", "reserved")),
    )
    for policy in ("cautious", "letter", "eu-tdm"):
        assert decide([refusal, says("rsl", "conditional")], policy).decision == "conditional"


PERMITTING = (
    '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>'
    '<permits type="usage">ai-train</permits></license></content></rsl>'
)


@pytest.mark.parametrize("policy", ["cautious", "letter", "eu-tdm"])
@pytest.mark.parametrize("end", ["Allow: /", ""])
def test_a_licence_to_which_one_agent_is_led_permits_nothing_to_others(end, policy):
    site = "https://a.example"

    def decided(agent, lines, document=PERMITTING):
        evidence = [
            Evidence("robots-txt", "site", f"{site}/robots.txt", text=lines),
            Evidence("rsl-xml", "site", f"{site}/gpt.xml", text=document),
        ]
        signals = [signal for each in evidence for signal in read(each).signals]
        target = Target(image_url=f"{site}/x.jpg")
        return decide(applicable(signals, target), policy, agent).decision

    one = f"User-agent: GPTBot\nLicense: {site}/gpt.xml\n{end}\n"
    others = f"\nUser-agent: *\nLicense: {site}/all.xml\nAllow: /\n"
    everybody = f"License: {site}/gpt.xml\n"
    assert decided("GPTBot", one + others) == "allowed"
    assert decided(None, one + others) == "unspecified"
    assert decided("CCBot", one + others) == "unspecified"
    assert decided("CCBot", everybody + one + others) == "allowed"
    assert decided(None, everybody) == "allowed"
    assert decided(None, "User-agent: *\nAllow: /\n") == "allowed"
    refusing = PERMITTING.replace("permits", "prohibits")
    assert decided(None, one + others, refusing) == "reserved"
