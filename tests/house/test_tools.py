"""Formatter, linter and strict types, as `make lint` runs them."""

import subprocess
import sys
from pathlib import Path

import pytest
from sources import ROOT

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    ("command", "fix"),
    [
        (("ruff", "format", "--check", "."), ".venv/bin/ruff format ."),
        (("ruff", "check", "."), ".venv/bin/ruff check --fix ."),
        (("mypy",), "give the types, or say in a comment why it is ignored"),
    ],
    ids=["format", "lint", "types"],
)
def test_tool_is_content(command, fix):
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(f"{done.stdout}{done.stderr}\nfix: {fix}", pytrace=False)
