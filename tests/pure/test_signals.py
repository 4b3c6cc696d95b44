"""Every reader against its vectors; and what must hold on any text."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.agents.known import agents
from registry.explain.evidence_lines import answer
from registry.explain.selftest import POLICIES, judged, load, run
from registry.model import USES, Evidence
from registry.signals import read, readers
from registry.signals._directives import MAX_LIST
from registry.signals._robots_groups import MAX_BYTES
from registry.signals.robots_txt import MAX_ADDRESSED, MAX_WARNINGS

VECTORS = Path(__file__).parent.parent / "vectors"
SHARED = Path(__file__).parents[2].parent / "shared"


def cases():
    found = []
    for path in sorted(VECTORS.glob("*.jsonl")):
        found += [pytest.param(vector, id=vector["id"]) for vector in load(path)]
    return found


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("vector", cases())
def test_vector(vector, policy):
    result = judged(vector, policy)
    assert result.id == vector["id"]
    differences = "; ".join(map(str, result.differences))
    assert result.outcome != "failed", f"{differences} ({result.why})"


def test_vector_ids_are_unique():
    ids = [vector["id"] for path in VECTORS.glob("*.jsonl") for vector in load(path)]
    assert len(ids) == len(set(ids))


def test_larger_set_is_answered():
    paths = sorted((SHARED / "vectors").glob("*.jsonl"))
    if not paths:
        pytest.skip("the larger set of vectors is not beside this checkout")
    # Unsure ones too: where the documents settle nothing, we answer as the vectors do.
    differing = {
        (result.id, difference.field)
        for path in paths
        for result in run(path)
        for difference in result.differences
    }
    # What is permitted for search is named beside a prohibition of training, as in rsl-010.
    assert differing <= {("lnk-002", "signals")}


def test_real_robots_files_are_read():
    archive = SHARED / "wild" / "robots_ai_subset.tar.xz"
    if not archive.is_file():
        pytest.skip("the collection of real robots.txt files is not beside this checkout")
    import tarfile

    files = refusing = 0
    with tarfile.open(archive) as tar:
        for member in tar:
            if not member.isfile():
                continue
            content = tar.extractfile(member).read()
            text = content.decode("utf-8", "replace")
            evidence = Evidence("robots-txt", "site", "https://a.example/robots.txt", text=text)
            files += 1
            refusing += any(
                not agents().training.isdisjoint(signal.agents) and signal.uses
                for signal in read(evidence).signals
            )
    assert files == 1447
    # The list beside the collection counts the files that only mention an agent.
    assert refusing > 1000


PIECES = st.sampled_from(
    [
        *("noai", "noimageai", "noindex", "gptbot", "*", ":", ",", ";", "/", "$", "%", "#", "\n"),
        *("\r", "\x00", "\ufeff", '"', "'", "<", ">", "<!--", "-->", "=", " ", "User-agent: "),
        *("Disallow: ", "Allow: ", "<meta name=robots content=", "<script>", "</script>"),
        *("<template>", "</template>", "<body>", "</head>", "max-snippet:", "\ud800", "é"),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join))


@given(
    carrier=st.sampled_from(["headers", "html", "robots-txt", "nothing"]),
    about=st.sampled_from(["image", "page", "site"]),
    texts=st.lists(TEXTS, max_size=3),
)
@settings(max_examples=400)
def test_no_reader_raises_and_all_signals_are_well_formed(carrier, about, texts):
    lines = tuple(("X-Robots-Tag", text) for text in texts)
    reading = read(Evidence(carrier, about, "https://a.example/x", lines, "".join(texts)))
    for signal in reading.signals:
        assert signal.carrier == carrier
        assert signal.raw
        assert signal.name == signal.name.lower()
        assert all(agent and agent == agent.lower() for agent in signal.agents)
        assert {use for use, _ in signal.uses} <= set(USES)
        # No vocabulary of these three can permit anything.
        assert all(meaning == "reserved" for _, meaning in signal.uses)
        if signal.conformance != "ok":
            assert signal.uses
            assert reading.warnings


@given(st.lists(TEXTS, max_size=4))
@settings(max_examples=200)
def test_header_lines_are_read_one_by_one(values):
    """Reading lines together gives what reading each alone gives."""

    def signals(lines):
        return read(Evidence("headers", "image", "", tuple(lines))).signals

    lines = [("X-Robots-Tag", value) for value in values]
    alone = [signal for line in lines for signal in signals([line])]
    assert signals(lines) == tuple(dict.fromkeys(alone))


def test_hostile_sizes_are_bounded():
    header = read(Evidence("headers", "image", "", (("X-Robots-Tag", "noai," * 5000),)))
    assert len(header.signals) == 1
    assert str(MAX_LIST) in header.warnings[0]
    many = read(Evidence("headers", "image", "", (("X-Robots-Tag", "noai"),) * 5000))
    assert len(many.signals) == 1
    broken = read(Evidence("robots-txt", "site", "", text="Disallow /\n" * 5000))
    assert len(broken.warnings) == MAX_WARNINGS + 1


def test_rules_and_agents_have_no_bound_but_the_text():
    many_agents = "".join(f"User-agent: bot{number}\n" for number in range(10_000))
    many_rules = "".join(f"Disallow: /{number}\nAllow: /a{number}\n" for number in range(10_000))
    text = many_agents + "Disallow: /\nAllow: /a\nUser-agent: one\n" + many_rules
    reading = read(Evidence("robots-txt", "site", "", text=text + "User-agent: *\nDisallow: /\n"))
    assert reading.warnings == ()
    assert reading.signals[-1].agents == ("*",)
    assert reading.signals[0].agents[-1] == "bot9999"
    assert len(reading.signals) == 3 + 20_001 + 2
    # Room linear in the text: the rules of a group share their agents.
    assert len({id(signal.agents) for signal in reading.signals}) <= 6


def test_a_group_of_too_many_agents_times_rules_is_closed():
    """Every rule names its agents in a snapshot: 100 KB of these were 100 MB there."""
    agents = "".join(f"User-agent: bot{number}\n" for number in range(2_000))
    rules = "".join(f"Allow: /{number}\n" for number in range(1_000))
    late = "User-agent: one\nDisallow: /a\nUser-agent: *\nAllow: /\n"
    reading = read(Evidence("robots-txt", "site", "", text=agents + rules + late))
    assert "read as a refusal of everything" in reading.warnings[0]
    (closed,) = (s for s in reading.signals if "bot7" in s.agents and s.rule)
    assert (closed.name, closed.rule.pattern, closed.conformance) == (
        "robots-txt:disallow",
        "/",
        "malformed",
    )
    assert len(closed.agents) == 2_000
    assert [s.rule.pattern for s in reading.signals if s.rule] == ["/", "/a", "/"]
    assert sum(len(s.agents) for s in reading.signals if s.rule) < MAX_ADDRESSED


def test_long_robots_file_is_read_to_the_limit():
    start = "User-agent: GPTBot\nDisallow: /\n"
    filler = "# " + "x" * 100 + "\n"
    late = "User-agent: CCBot\nDisallow: /\n"
    within = start + filler * (520_000 // len(filler)) + late
    assert len(read(Evidence("robots-txt", "site", "", text=within)).signals) == 4
    beyond = start + filler * (MAX_BYTES // len(filler) + 1) + late
    reading = read(Evidence("robots-txt", "site", "", text=beyond))
    assert len(reading.signals) == 2
    assert "longer than" in reading.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfUser-agent: GPTBot\nDisallow: /".decode("utf-8"),
        b"\xef\xbb\xbfUser-agent: GPTBot\nDisallow: /".decode("latin-1"),
        "User-agent: GPTBot\rDisallow: /".encode("utf-16").decode("utf-8", "replace"),
        "User-agent: GPTBot\r\nDisallow: /".encode("utf-16-be").decode("utf-8"),
    ],
)
def test_robots_file_decoded_in_odd_ways(text):
    signals = read(Evidence("robots-txt", "site", "", text=text)).signals
    assert [signal.agents for signal in signals] == [("gptbot",)] * 2


def test_signals_keep_the_exact_text_and_the_place():
    line = ("X-ROBOTS-tag", " NoAI ,noindex")
    for signal in read(Evidence("headers", "page", "https://a.example/p", (line,))).signals:
        assert signal.raw == "X-ROBOTS-tag:  NoAI ,noindex"
        assert (signal.url, signal.scope) == ("https://a.example/p", "page")
    tag = "<meta  NAME='robots'\n content=noai >"
    (signal,) = read(Evidence("html", "page", "u", text=f"<head>{tag}</head>")).signals
    assert signal.raw == tag
    text = "user-agent: GPTBot\n  disallow:/x # mine"
    group, rule = read(Evidence("robots-txt", "site", "u", text=text)).signals
    assert (group.name, group.raw) == ("robots-txt:group", "user-agent: GPTBot")
    assert rule.raw == "  disallow:/x # mine"
    assert (rule.rule.pattern, rule.rule.precedence) == ("/x", "longest-allow")


def test_agent_list():
    listed = agents()
    assert {"gptbot", "ccbot", "google-extended", "amazonbot", "kangaroo bot"} <= listed.training
    assert listed.training.isdisjoint({"googlebot", "chatgpt-user", "petalbot", "*"})
    assert listed.spelling["ccbot"] == "CCBot"
    assert all(token == token.lower() for token in listed.purpose)


def test_every_reader_says_what_it_reads():
    for name, reader in readers().items():
        assert re.search(r"^Sources?:", reader.__doc__, re.MULTILINE), name


def test_a_group_without_rules_after_all_room_is_used_up() -> None:
    text = (
        "".join(f"User-agent: a{n}\n" for n in range(1000))
        + "Disallow: /x\n" * 1001
        + "User-agent: b\nDisallow: /x\nUser-agent: c\n"
    )
    reading = read(Evidence("robots-txt", "site", "https://a.example/robots.txt", text=text))
    assert any("refusal of everything" in warning for warning in reading.warnings)


def test_an_answer_under_every_policy():
    line = {"id": 1, "kind": "x-robots-tag", "input": [["X-Robots-Tag", "noml"]]}
    assert "policies" not in answer(line)
    assert answer(line, all_policies=True)["policies"] == {
        "cautious": "reserved",
        "letter": "reserved",
        "noai": "unspecified",
        "eu-tdm": "reserved",
    }
