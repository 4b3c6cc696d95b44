"""The draft's ai.txt and ai.json: what its vectors cannot say of a reader."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from registry.model import Evidence, Target
from registry.signals import well_known_ai
from registry.verdict import decide
from registry.verdict.site_rules import applicable

URL = "https://a.example/.well-known/ai.txt"
VALUES = st.sampled_from(["allow", "deny", "conditional", " DENY ", "", "no", 1, None, [], {}])
AGENTS = st.sampled_from(["*", "GPTBot", "", "a b"])


def read(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return well_known_ai.read(Evidence("ai-txt", "site", URL, text=text))


@given(VALUES, st.dictionaries(AGENTS, VALUES, max_size=3), st.lists(VALUES, max_size=3))
@settings(max_examples=300)
def test_both_forms_say_the_same_and_permit_nothing(training, agents, paths):
    value = {
        "policies": {"training": training},
        "trainingPaths": {"deny": [f"/{path}" for path in paths]},
        "agents": {name: {"training": said} for name, said in agents.items()},
    }
    lines = [f"Training: {training}"] if isinstance(training, str) else []
    lines += [f"Training-Deny: /{path}" for path in paths]
    for name, said in agents.items():
        lines += [f"Agent: {name}"] + ([f"  Training: {said}"] if isinstance(said, str) else [])
    readings = [read(value), read("\n".join(lines))]
    for reading in readings:
        assert all(signal.conformance == "legacy" for signal in reading.signals)
        assert all("*" not in signal.agents for signal in reading.signals)
        target = Target("https://a.example/x")
        for policy in ("letter", "cautious"):
            said_of = decide(applicable(reading.signals, target), policy, "GPTBot").decision
            assert said_of != "allowed"
    if all(isinstance(said, str) and said for said in [training, *agents.values(), *agents]):
        shown = [[(s.name, s.agents, s.rule.pattern) for s in r.signals] for r in readings]
        assert shown[0] == shown[1]


@given(st.text())
@settings(max_examples=300)
def test_no_text_makes_it_raise(text):
    for whole in (text, "{" + text, f"Training: {text}", f"Agent: {text}\n Training: deny"):
        read(whole)
    read({"policies": {"training": text}, "agents": {text: {"training": "deny"}}})


def test_hostile_sizes_are_bounded():
    values = [
        "Training: deny\n" * 10_000,
        {"trainingPaths": {"deny": ["/a"] * 10_000}},
        {"agents": {str(number): {"training": "deny"} for number in range(10_000)}},
    ]
    for value in values:
        reading = read(value)
        assert len(reading.signals) == well_known_ai.MAX_MARKS
        assert len(reading.warnings) == 1
    assert len(read("Training: x\n" * 10_000).warnings) == well_known_ai.MAX_WARNINGS
    for text in ('{"agents":' * 100_000, "{" + "[" * 1_000_000, '{"a":' + "9" * 9000 + "}"):
        assert read(text).signals == ()


def test_the_terms_are_the_condition():
    text = "Training: conditional\nTraining-Fee: %s\n"
    (signal,) = read(text % "terms.html").signals
    assert signal.licence_url == "https://a.example/.well-known/terms.html"
    assert read(text % "javascript:1").signals[0].licence_url is None
