"""trust.txt: what its vectors cannot say of a reader."""

from hypothesis import given, settings
from hypothesis import strategies as st

from registry.model import Evidence, Target
from registry.signals import trust_txt
from registry.verdict import decide
from registry.verdict.site_rules import applicable

NAME = "datatrainingallowed"


def read(text):
    return trust_txt.read(Evidence("trust-txt", "site", "https://a.example/trust.txt", text=text))


@given(st.lists(st.sampled_from(["yes", "no", "maybe", "", "false", "#", "yes no"]), max_size=4))
@settings(max_examples=200)
def test_only_yes_alone_permits(values):
    reading = read("".join(f"{NAME}={value}\n" for value in values))
    meanings = {signal.meaning("train") for signal in reading.signals}
    if "no" in values:
        assert meanings == {"reserved"}
    if "allowed" in meanings:
        assert set(values) == {"yes"}
    for signal in reading.signals:
        assert signal.conformance == "ok" or reading.warnings


@given(st.text())
@settings(max_examples=300)
def test_no_text_makes_it_raise(text):
    for whole in (text, f"{NAME}={text}", f"{text}\n{NAME}={text}"):
        for signal in read(whole).signals:
            assert signal.raw.lower().startswith(NAME)


def test_hostile_sizes_are_bounded():
    many = read(f"{NAME}=no\n" * 100_000)
    assert len(many.signals) == trust_txt.MAX_MARKS
    assert len(many.warnings) == 1 + (len(f"{NAME}=no\n" * 100_000) > trust_txt.MAX_TEXT)
    long = read(f"{NAME}=" + "x" * 2_000_000)
    assert long.signals == ()
    assert all(len(warning) < 500 for warning in long.warnings)
    cut = read(f"{NAME}=yes\n" + "#" * trust_txt.MAX_TEXT)
    assert (cut.signals, len(cut.warnings)) == ((), 1)


def test_it_speaks_for_every_path_of_its_host_alone():
    signals = read(f"{NAME}=no").signals

    def said(image, page=None, policy="letter"):
        return decide(applicable(signals, Target(image, page)), policy).decision

    assert said("https://a.example/deep/a.jpg?w=1") == "reserved"
    assert said("https://b.example/a.jpg") == "unspecified"
    assert said("https://b.example/a.jpg", "https://a.example/") == "unspecified"
    assert said("https://b.example/a.jpg", "https://a.example/", "cautious") == "reserved"
