"""Commands under a limit of memory: one line that names it, never another answer's exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BIN

COMMANDS = ["registry check list.csv", "registry stats", "registry hash x.png", "crawler sites"]


def limited(limit: str, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command under a limit that the shell's `ulimit` sets, in KiB."""
    return subprocess.run(
        ["sh", "-c", f'ulimit {limit}; exec "$0" "$@"', *command],
        cwd=cwd,
        env={**os.environ, "REGISTRY_HOME": str(cwd / "home")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("limit", "named"), [("-v 300000", "292 MiB (ulimit -v)"), ("-d 100000", "97 MiB (ulimit -d)")]
)
def test_a_limit_is_named(command: str, limit: str, named: str, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("url\nhttps://art.example/a.jpg\n")
    program, *arguments = command.split()
    done = limited(limit, str(BIN / program), *arguments, cwd=tmp_path)
    assert done.returncode == 4
    error, hint = done.stderr.splitlines()
    assert error == f"error: there is not enough memory: this process is limited to {named}"
    assert hint.startswith("hint: raise the limit, ")


@pytest.mark.parametrize(
    "raised",
    [
        "MemoryError()",
        'RuntimeError("can\'t start new thread")',
        "ImportError('libarrow.so: failed to map segment from shared object')",
        "OSError(12, 'Cannot allocate memory')",
        "pyarrow.ArrowException('Failed to launch worker thread: x')",
        "pyarrow.ArrowMemoryError('malloc of size 1 failed')",
        "UnreadableSnapshot('it is damaged') from MemoryError()",
    ],
)
def test_however_it_shows(raised: str, tmp_path: Path) -> None:
    code = (
        "import click, pyarrow\nfrom registry.cli import run\n"
        "from registry.errors import UnreadableSnapshot\n"
        f"@click.command()\ndef broken():\n    raise {raised}\nrun(broken, 'registry')\n"
    )
    done = limited("-v 2000000", sys.executable, "-c", code, cwd=tmp_path)
    assert done.returncode == 4
    assert "limited to 1953 MiB (ulimit -v)" in done.stderr
    assert "Traceback" not in done.stderr


def test_words_of_others_are_no_sign_of_it(tmp_path: Path) -> None:
    code = (
        "import click\nfrom registry.cli import run\nfrom registry.errors import UnreadableInput\n"
        "@click.command()\ndef broken():\n"
        "    raise UnreadableInput('Cannot allocate memory.csv: not CSV')\n"
        "run(broken, 'registry')\n"
    )
    done = limited("-v 2000000", sys.executable, "-c", code, cwd=tmp_path)
    assert done.stderr == "error: Cannot allocate memory.csv: not CSV\n"
