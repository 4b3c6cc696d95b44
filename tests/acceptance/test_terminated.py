"""SIGTERM at any moment of a command: 143 to a shell, no traceback, nothing half done."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import BIN

MOMENTS = 20


def ended(command: str, seconds: float) -> tuple[int, str] | None:
    """Run a command, send it SIGTERM after a time, and return the code that a shell would see."""
    program, *arguments = command.split()
    with subprocess.Popen(
        [str(BIN / program), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        time.sleep(seconds)
        if process.poll() is not None:
            return None
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=60)
        code = process.returncode
    # In its first moments Python has not loaded the program: the signal itself ends it.
    return (128 - code if code < 0 else code), stderr


@pytest.mark.parametrize("command", ["registry stats", "crawler sites"])
def test_at_any_moment(command: str, registry_home: Path) -> None:
    program, *arguments = command.split()
    for _ in range(2):  # the first makes the database
        started = time.monotonic()
        whole = [str(BIN / program), *arguments]
        subprocess.run(whole, check=True, capture_output=True, timeout=60)
    seconds = time.monotonic() - started
    answers = [ended(command, seconds * number / MOMENTS) for number in range(MOMENTS)]
    codes, talk = zip(*filter(None, answers), strict=True)
    # A command that has finished in the very moment of the signal keeps its code.
    assert set(codes) <= {0, 143}
    assert codes.count(0) <= 2
    assert not [text for text in talk if "Traceback" in text or "Exception ignored" in text]


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)],
    ids=["term", "int", "hup"],
)
@pytest.mark.parametrize("moment", ["working", "leaving"])
def test_what_is_to_be_done_at_exit_is_done(number: int, code: int, moment: str) -> None:
    kill = f"os.kill(os.getpid(), {int(number)})"
    script = f"""
import atexit, click, os
from registry.cli import run

def leave():
    if {moment == "leaving"}:
        {kill}
    click.echo("left")

@click.command()
def command():
    atexit.register(leave)
    try:
        if {moment == "working"}:
            {kill}
    finally:
        click.echo("done")

run(command, "registry")
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "done\nleft\n")
    assert "Traceback" not in done.stderr


def test_an_error_in_the_place_of_a_signal_is_no_fault() -> None:
    """`from socket import x` raises TypeError if a signal arrives while it fails (CPython 3.11)."""
    script = """
import click, os
from registry.cli import run

@click.command()
def command():
    try:
        os.kill(os.getpid(), 15)
    except SystemExit:
        raise TypeError("expected a message argument") from None

run(command, "registry")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (143, b"")


def test_a_signal_that_python_drops_is_not_lost() -> None:
    """What is raised in a finaliser is dropped by Python."""
    script = """
import click, os
from registry.cli import run

class Last:
    def __del__(self):
        os.kill(os.getpid(), 15)

@click.command()
def command():
    Last()

run(command, "registry")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 143
