"""The agent list: what is shipped, and how a newer one is compared with it."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.agents.known import TRAINING, agent_token, agents, agents_text, refused_uses
from registry.agents.lists import PURPOSES, difference, merged, parse, suggest
from registry.errors import UnreadableInput

NEWEST = Path(__file__).parents[2].parent / "shared" / "wild" / "ai-robots-txt_robots.json"
SHIPPED = parse(agents_text(), "agents.json")


def own(**classes):
    return parse(json.dumps({"classes": classes}), "own.json")


def prose(**functions):
    return parse(json.dumps({n: {"function": text} for n, text in functions.items()}), "prose.json")


def test_shipped_list_is_that_of_its_source():
    if not NEWEST.is_file():
        pytest.skip("the list of ai.robots.txt is not beside this checkout")
    newest = parse(NEWEST.read_text("utf-8"), "robots.json")
    assert set(newest.suggested) == set(SHIPPED.purpose)
    assert not difference(SHIPPED, newest)
    # What is written down as suggested otherwise is so: one list, three places.
    otherwise = {n: p for n, p in newest.suggested.items() if SHIPPED.purpose[n] != p}
    data = json.loads(agents_text())["suggested_otherwise"]
    assert {name: p for p, names in data.items() for name in names} == otherwise


def test_every_class_is_said_and_no_agent_has_two():
    data = json.loads(agents_text())
    assert tuple(data["purposes"]) == tuple(data["classes"]) == PURPOSES
    names = [name for names in data["classes"].values() for name in names]
    assert len(names) == len(set(names)) == 166
    tokens = [(agent_token(name), purpose) for name, purpose in SHIPPED.purpose.items()]
    assert len(set(tokens)) == len({token for token, _ in tokens})


def test_policy_tokens_need_no_code(monkeypatch):
    """A token that is added to the list reserves training, for everybody under `cautious`."""
    data = json.loads(agents_text())
    data["classes"]["policy-token"].append("AI-Training-Token")
    monkeypatch.setattr("registry.agents.known.agents_text", lambda: json.dumps(data))
    agents.cache_clear()
    try:
        assert "ai-training-token" in agents().training
        assert refused_uses("ai-training-token") == TRAINING
    finally:
        agents.cache_clear()


@pytest.mark.parametrize(
    ("function", "purpose"),
    [
        ("", "unclear"),
        ("Unclear at this time.", "unclear"),
        ("AI Search Crawlers", "search"),
        ("AI Assistants", "user"),
        ("Undocumented AI Agents", "agent"),
        ("AI Data Scrapers", "mixed"),
        ("Scrapes data to train a model.", "train"),
    ],
)
def test_prose_suggests_a_purpose(function, purpose):
    assert suggest(function) == purpose


def test_prose_never_suggests_a_token():
    suggested = {suggest(text) for text in ("token", "AI Agents", "data", "search", "train", "")}
    assert suggested.isdisjoint({"token", "policy-token"})


def test_lists_with_classes_are_compared_by_them():
    found = difference(own(train=["A", "B"], user=["C"]), own(train=["a"], search=["C", "D"]))
    assert found.added == {"D": "search"}
    assert found.removed == {"B": "train"}
    assert found.changed == {"C": ("user", "search")}
    assert found
    assert not difference(own(train=["A"]), own(train=["a"]))


def test_prose_is_compared_with_what_prose_suggested():
    older = parse(
        json.dumps({"classes": {"train": ["A", "B"]}, "suggested_otherwise": {"mixed": ["A"]}}),
        "older.json",
    )
    same = prose(A="AI Data Scrapers", B="LLM training")
    assert not difference(older, same)
    newer = prose(A="AI Assistants", B="LLM training", C="search")
    found = difference(older, newer)
    assert (found.added, found.changed) == ({"C": "search"}, {"A": ("mixed", "user")})


def test_spellings_of_one_agent_have_their_own_prose():
    older = own(train=["bot"], mixed=["Bot"])
    assert not difference(older, prose(bot="train", Bot="data"))
    assert difference(older, prose(bot="data", Bot="data")).changed == {"bot": ("train", "mixed")}


def test_merged_classes_can_be_shipped():
    classes = merged(SHIPPED, {"Newbot": "mixed"})
    assert tuple(classes) == PURPOSES
    again = parse(json.dumps({"classes": classes}), "merged.json")
    assert difference(SHIPPED, again).added == {"Newbot": "mixed"}
    assert not difference(SHIPPED, again).removed


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "null", "[" * 100_000, '{"GPTBot": {}}', '{"GPTBot": {"function": 1}}'),
        *('{"classes": []}', '{"classes": {"nonsense": []}}', '{"classes": {"train": "GPTBot"}}'),
        *('{"classes": {"train": [1]}}', '{"classes": {}, "suggested_otherwise": 1}'),
        '{"GPTBot": "train"}',
    ],
)
def test_what_is_no_list_is_said_to_be_none(text):
    with pytest.raises(UnreadableInput) as raised:
        parse(text, "odd.json")
    assert raised.value.message.startswith("odd.json: ")
    assert raised.value.hint


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["classes", "a"]), inner),
    )
)
def test_any_json_is_read_or_refused(data):
    with contextlib.suppress(UnreadableInput):
        parse(json.dumps(data), "any.json")
