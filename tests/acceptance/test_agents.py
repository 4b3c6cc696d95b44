"""`registry agents` as installed: what it prints, and how it fails."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REGISTRY = Path(sys.executable).with_name("registry")
SHIPPED = Path(__file__).parents[2] / "registry" / "agents" / "agents.json"


def run(*arguments, stdin=b""):
    done = subprocess.run(
        [REGISTRY, "agents", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def newer(tmp_path):
    """The shipped list in ai.robots.txt's format, with one agent more and one less."""
    data = json.loads(SHIPPED.read_text("utf-8"))
    prose = {
        "train": "LLM training.",
        "mixed": "AI Data Scrapers",
        "search": "AI Search Crawlers",
        "user": "AI Assistants",
        "agent": "AI Agents",
        "unclear": "",
    }
    functions = {name: prose.get(p, "") for p, names in data["classes"].items() for name in names}
    otherwise = data["suggested_otherwise"].items()
    functions |= {name: prose[p] for p, names in otherwise for name in names}
    del functions["CCBot"]
    functions["GPTBot"] = prose["user"]
    functions["Newbot\x1b[31m"] = prose["search"]
    path = tmp_path / "robots.json"
    path.write_text(json.dumps({name: {"function": text} for name, text in functions.items()}))
    return path


def test_list_has_purposes_date_and_source():
    code, out, err = run()
    assert (code, err) == (0, "")
    assert "166 agents, read 2026-11-22" in out
    assert "https://github.com/ai-robots-txt/ai.robots.txt" in out
    assert "\ntrain (40): " in out
    assert "GPTBot*, " in out
    assert "PerplexityBot, " in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_list_as_json():
    code, out, err = run("--json")
    assert (code, err) == (0, "")
    data, shipped = json.loads(out), json.loads(SHIPPED.read_text("utf-8"))
    assert (data["read"], data["source"]) == (shipped["read"], shipped["source"])
    assert {p: set(names) for p, names in data["classes"].items()} == {
        p: set(names) for p, names in shipped["classes"].items()
    }
    assert {"GPTBot", "Google-Extended", "Amazonbot"} <= set(data["count_for_everybody"])
    assert "PetalBot" not in data["count_for_everybody"]


def test_no_difference_from_itself():
    assert run("diff", SHIPPED) == (0, "", "0 differences from the list of 2026-11-22\n")


def test_differences_are_shown(newer):
    code, out, err = run("diff", newer)
    assert code == 1
    assert out.splitlines() == [
        "added    Newbot\\x1b[31m  search",
        "removed  CCBot  train",
        "changed  GPTBot  train -> user",
    ]
    assert err == "3 differences from the list of 2026-11-22\n"


def test_differences_as_json_can_be_pasted(newer):
    before = SHIPPED.read_bytes()
    code, out, err = run("diff", "-", "--json", stdin=newer.read_bytes())
    assert (code, err) == (1, "")
    data = json.loads(out)
    assert data["added"] == {"Newbot\x1b[31m": "search"}
    assert data["removed"] == {"CCBot": "train"}
    assert data["changed"] == {"GPTBot": ["train", "user"]}
    assert "Newbot\x1b[31m" in data["classes"]["search"]
    # An agent that went is still named in robots.txt files, and a change is for a person.
    assert {"CCBot", "GPTBot"} <= set(data["classes"]["train"])
    assert SHIPPED.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"User-agent: *\n", b"\xff\xfe", b"[1]", b'{"a": 1}'])
def test_what_is_no_list_is_an_error_with_a_hint(tmp_path, content):
    path = tmp_path / "odd"
    path.write_bytes(content)
    code, out, err = run("diff", path)
    assert (code, out) == (4, "")
    error, hint = err.splitlines()
    assert error.startswith(f"error: {path}: ")
    assert hint.startswith("hint: give the robots.json of ai.robots.txt")


def test_missing_file_and_wrong_usage(tmp_path):
    code, _, err = run("diff", tmp_path / "none.json")
    said = f"error: {tmp_path / 'none.json'}: No such file or directory\n"
    assert (code, err) == (4, f"{said}hint: name a file that exists\n")
    assert run("diff")[0] == 2
    assert run("show")[0] == 2
