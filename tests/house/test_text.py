"""What no file of the repository says: package registries' addresses, one machine's paths."""

import re

import pytest
from sources import ROOT, hold, tracked, words

# Written in pieces, so that this file does not say it either.
REGISTRIES = re.compile(
    r"(?:extra-)?index-" + r"url|find-" + r"links|trusted-" + r"host|pypi\." + r"(?:org|python)"
    r"|files\.python" + r"hosted|/simple" + r"/|_INDEX_" + r"URL|npmj" + r"s\.(?:org|com)"
)
MACHINES = re.compile(
    r"(?<![\w.*-])/(?:home|Users|wor" + r"k|workspace|builds|mnt)/[A-Za-z0-9_.-]+"
)
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
TEXTS = words(".md .py .sql .toml .yaml .txt .jsonl .json .html .css .xml .csv") | {""}
# File: the text that is meant there, and why it is no violation.
ALLOWED = {
    "tests/pure/test_page_images.py": {"/work/": "addresses on a page that is read"},
}


def texts() -> list[tuple[str, str]]:
    return [
        (path.as_posix(), (ROOT / path).read_text("utf-8"))
        for path in tracked()
        if path.suffix in TEXTS
    ]


def found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number} says {match.group()}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        for match in pattern.finditer(line)
        if not any(match.group().startswith(allowed) for allowed in ALLOWED.get(path, ()))
    ]


def test_no_package_registry_is_named():
    hold(
        found(REGISTRIES),
        "where packages come from is the user's own configuration",
        "take the address or option out; pip has it from its own settings",
    )


def test_no_machine_is_named():
    hold(
        found(MACHINES),
        "the repository works in any folder of any machine",
        "make the path relative to the file, or take it as an argument",
    )


def test_nothing_is_left_for_later():
    hold(
        found(UNFINISHED),
        "what is here is finished; what is not yet here is an issue",
        "do it, or take the remark out",
    )


def test_texts_are_utf8_with_unix_lines():
    wrong = [path for path, text in texts() if "\r\n" in text and not path.startswith("tests/")]
    hold(wrong, "lines end in LF", "save it so")


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (REGISTRIES, "pip install --index-" + "url https://mirror.example/"),
        (REGISTRIES, "https://mirror.example/simple" + "/"),
        (MACHINES, "cd /home/" + "somebody/project"),
        (MACHINES, "Path('/wor" + "k/shared')"),
        (UNFINISHED, "# TO" + "DO: later"),
    ],
)
def test_the_rule_bites(pattern, line):
    assert pattern.search(line)


@pytest.mark.parametrize("line", ["/works/tiger.html", "https://a.example/home/x", "**/home/x"])
def test_addresses_on_the_web_are_no_paths(line):
    assert not MACHINES.search(line)
