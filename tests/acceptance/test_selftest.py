"""`registry selftest`: vectors run, counted and compared."""

import json
import tomllib
from pathlib import Path

import pytest

import registry
from registry.errors import UnreadableInput
from registry.explain import selftest as selftest_module

ROOT = Path(__file__).parents[2]

GOOD = {
    "id": "good",
    "kind": "html",
    "input": '<meta name="robots" content="noai">',
    "context": {"page_url": "https://a.example/p", "image_url": "https://a.example/i.jpg"},
    "expect": {"train": "reserved", "signals": ["noai"]},
    "why": "The common form.",
}


def vector(name, **expect):
    return {**GOOD, "id": name, "expect": {**GOOD["expect"], **expect}}


@pytest.fixture
def selftest(run, tmp_path):
    def run_on(*vectors):
        (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, vectors)))
        return run("registry", "selftest", "mine.jsonl", cwd=tmp_path)

    return run_on


def test_shipped_vectors_agree(run, tmp_path):
    done = run("registry", "selftest", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "x_robots_tag " in done.stdout
    assert done.stdout.endswith(" vectors, 0 disagree\n")


def test_vectors_are_installed_where_they_are_looked_for(tmp_path, monkeypatch):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included["tests/vectors"] == "registry/vectors"
    vectors = tmp_path / "registry" / "vectors"
    vectors.mkdir(parents=True)
    (vectors / "one.jsonl").touch()
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "registry" / "__init__.py"))
    assert selftest_module.shipped() == [vectors / "one.jsonl"]
    (vectors / "one.jsonl").unlink()
    with pytest.raises(UnreadableInput, match="missing"):
        selftest_module.shipped()


def test_disagreements_are_shown(selftest):
    done = selftest(GOOD, vector("bad", train="allowed", train_cautious="reserved"))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "            letter                  cautious",
        "vocabulary  agreed unsure failed    agreed unsure failed",
        "mine             1      0      1         2      0      0",
        "",
        "bad (mine, letter)",
        "  train: expected allowed, got reserved",
        "  why: The common form.",
        "",
        "2 vectors, 1 disagree",
    ]


def test_unsure_vectors_are_counted_apart(selftest):
    done = selftest({**vector("unsure", train="allowed"), "unsure": True})
    assert done.returncode == 0
    assert "mine             0      1      0         0      1      0" in done.stdout


@pytest.mark.parametrize(
    ("expect", "says"),
    [
        ({"signals": ["noai", "noindex"]}, "signals: the names differ: missing noindex"),
        ({"signals": ["nix"]}, "signals: the names differ: missing nix; not expected noai"),
        ({"warnings": 1}, "warnings: expected 1, got none"),
        ({"warnings": ["a text that is not compared"]}, "warnings: expected a text"),
        ({"licence": "https://a.example/l"}, "licence: expected https://a.example/l, got None"),
        ({"uses": {"index": "reserved"}}, "uses.index: expected reserved, got none"),
        ({"uses": {"generative_train": "allowed"}}, "uses.train-genai: expected allowed"),
        ({"uses": {"flying": "unspecified"}}, "uses.flying: "),
    ],
)
def test_every_field_is_compared(selftest, expect, says):
    done = selftest(vector("bad", **expect))
    assert says in done.stdout
    assert done.returncode == 1


def test_what_agrees_in_every_field(selftest):
    expect = {"uses": {"train": "reserved", "tdm": "unspecified"}, "licence": None, "warnings": 0}
    assert selftest(vector("all", **expect)).returncode == 0


def test_json(run, tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps(vector("bad", train="allowed")))
    done = run("registry", "selftest", "a.jsonl", "--json", cwd=tmp_path)
    said = json.loads(done.stdout)
    assert said["vectors"] == 1
    assert said["vocabularies"]["a"]["letter"] == {"agreed": 0, "unsure": 0, "failed": 1}
    assert said["disagreements"][0]["differences"] == [
        {"field": "train", "expected": "allowed", "got": "reserved"}
    ]
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "line 1: not JSON"),
        ("[1]", "line 1: not a vector"),
        ("", "the file has no vectors"),
        (json.dumps({**GOOD, "id": None}), "bad.jsonl, line 1: not a vector: id is missing"),
        (json.dumps(vector("x", signals=5)), "line 1: expect.signals"),
        (json.dumps(vector("x", signals=[[1]])), "line 1: expect.signals"),
        (json.dumps(vector("x", uses=5)), "line 1: expect.uses"),
        (json.dumps(vector("x", uses={"train": [1]})), "line 1: expect.uses"),
        (json.dumps(vector("x", train="bogus")), "line 1: expect.train is not one of"),
        (json.dumps(vector("x", train=["reserved"])), "line 1: expect.train is not one of"),
        (json.dumps(vector("x", train_cautious=None)), "line 1: expect.train_cautious is"),
        (json.dumps(vector("x", warnings={"a": 1})), "line 1: expect.warnings"),
        (json.dumps(vector("x", warnings=True)), "line 1: expect.warnings"),
        (json.dumps(vector("x", licence=1)), "line 1: expect.licence"),
        ("\n" + json.dumps({"id": 1}), "line 2: not a vector"),
        (
            json.dumps({**GOOD, "kind": "song"}),
            "bad.jsonl, line 1: vector good: unknown kind 'song'",
        ),
        ("[" * 100_000, "line 1: not JSON"),
        ("\ud800", "line 1: not JSON"),
    ],
)
def test_what_is_no_vector_is_one_line(run, tmp_path, text, says):
    (tmp_path / "bad.jsonl").write_bytes(text.encode("utf-8", "surrogatepass"))
    done = run("registry", "selftest", "bad.jsonl", cwd=tmp_path)
    assert done.returncode == 4
    assert says in done.stderr
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr


def test_missing_file_and_folder(run, tmp_path):
    done = run("registry", "selftest", "missing.jsonl", ".", cwd=tmp_path)
    assert done.returncode == 4
    assert done.stderr.count("error: ") == 2
