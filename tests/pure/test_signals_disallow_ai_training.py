"""DisallowAITraining: what its vectors do not say, and what must hold on any text."""

from hypothesis import given, settings
from hypothesis import strategies as st

from registry.model import Evidence, Target
from registry.signals import disallow_ai_training, robots_txt
from registry.signals.disallow_ai_training import MAX_WARNINGS
from registry.urls.paths import url_path
from registry.verdict import decide, known_policies
from registry.verdict.site_rules import applicable

URL = "https://a.example/robots.txt"


def read(text, reader=disallow_ai_training):
    return reader.read(Evidence("robots-txt", "site", URL, text=text))


PIECES = st.sampled_from(
    [
        *("User-agent: *\n", "User-agent: GPTBot\n", "User-agent: Kangaroo Bot\n", "Allow: /\n"),
        *("DisallowAITraining: ", "AllowAITraining:", "/", "/a", "a", "*", "$", "#", "\n", "\r"),
        *("\x00", "\ufeff", "\ud800", "é", "https://b.example/x"),
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join)))
@settings(max_examples=300)
def test_any_text_is_read_and_permits_nothing(text):
    reading = read(text)
    assert len(reading.warnings) <= MAX_WARNINGS + 1
    assert bool(reading.signals) <= bool(reading.warnings)
    for signal in reading.signals:
        assert signal.conformance in {"legacy", "malformed"}
        assert signal.rule is not None
        assert signal.conformance == "legacy" or signal.meaning("train") == "reserved"
    target = Target(image_url="https://a.example/a")
    for policy in known_policies():
        verdict = decide(applicable(reading.signals, target), policy)
        assert verdict.decision in {"unspecified", "reserved"}


RULES = st.lists(
    st.tuples(
        st.sampled_from(["Disallow", "Allow"]),
        st.sampled_from(["", "/", "/a", "/a/", "/*.jpg", "/a/*.jpg$", "/b"]),
    ),
    max_size=5,
)


@given(RULES, st.sampled_from(["/", "/a", "/a/1.jpg", "/b?x"]))
def test_paths_win_as_those_of_disallow_do(rules, path):
    """The same rules under the names of RFC 9309 close the same paths."""
    plain = "User-agent: *\n" + "".join(f"{kind}: {p}\n" for kind, p in rules)
    named = "User-agent: *\n" + "".join(f"{kind}AITraining: {p}\n" for kind, p in rules)
    target = Target(image_url="https://a.example" + path)
    assert url_path(target.image_url) == path
    decisions = [
        decide(applicable(reading.signals, target)).decision
        for reading in (read(plain, robots_txt), read(named))
    ]
    assert decisions[0] == decisions[1]


def test_a_group_of_too_many_agents_times_rules_is_closed():
    agents = "".join(f"User-agent: bot{number}\n" for number in range(2_000))
    rules = "".join(f"AllowAITraining: /{number}\n" for number in range(1_000))
    reading = read(agents + rules)
    (closed,) = reading.signals
    assert (closed.name, closed.rule.pattern, len(closed.agents)) == (
        "disallow-ai-training",
        "/",
        2_000,
    )
    assert len(read("User-agent: *\n" + rules).warnings) == MAX_WARNINGS + 1
