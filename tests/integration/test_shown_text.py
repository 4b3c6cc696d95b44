"""What is printed: lines of one's own, and nothing in them that a terminal obeys."""

import sys

import pytest

from registry.terminal import Status, say, say_error, say_fault, show, show_json

EVIL = "a\x1b[2J\u202e\nb"
SEEN = "a\\x1b[2J\\u202e\\nb"


def test_answers_and_talk(capsys: pytest.CaptureFixture[str]) -> None:
    show("one", EVIL)
    show_json({"name": EVIL})
    say(EVIL, "two")
    say_error(EVIL, EVIL)
    say_error("alone")
    printed = capsys.readouterr()
    assert printed.out == f'one\n{SEEN}\n{{"name": "a\\u001b[2J\\u202e\\nb"}}\n'
    assert printed.err == f"{SEEN}\ntwo\nerror: {SEEN}\nhint: {SEEN}\nerror: alone\n"


def test_a_fault_of_ours_shows_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("a\x1b[2J")
    except ValueError:
        say_fault()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "ValueError: a\\x1b[2J"


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_status(
    is_terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    status = Status()
    for text in (EVIL, "b"):
        status.show(text)
    status.clear()
    status.clear()
    written = f"\r{SEEN}\r{'b'.ljust(len(SEEN))}\r \r" if is_terminal else f"{SEEN}\nb\n"
    assert capsys.readouterr().err == written
