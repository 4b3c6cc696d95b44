"""The only place that writes to standard output and standard error.

It also handles closed or full streams: messages that cannot be written are dropped, a
result that cannot be written is an error.

Commands print other people's text: file names, URLs, marks. Control characters in it are
escaped here, so that it cannot move the cursor, change colours, reverse the order of
letters or begin a new line. A house test makes all other modules print through this one.
"""

from __future__ import annotations

import os
import select
import sys
import traceback
from collections.abc import Callable
from typing import Any

import click

from registry.errors import UnwritableOutput
from registry.text import visible

STDOUT, STDERR = 1, 2


def settle() -> None:
    """Open the null device in place of each closed standard stream.

    Otherwise a file opened later would get its number, and with it the output of libraries
    and child processes. `sys.stdin` and `sys.stdout` stay None: reading or writing them
    raises an error of its own. Call this before any file is opened.
    """
    number = os.open(os.devnull, os.O_RDWR)
    while number <= STDERR:
        os.set_inheritable(number, True)
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)
    if sys.stderr is None:
        sys.stderr = open(STDERR, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (it stays open)


def refuse_closed_stdout() -> None:
    """Raise UnwritableOutput if standard output is closed."""
    if sys.stdout is None:
        raise UnwritableOutput(
            "standard output is closed", "redirect it to /dev/null to discard the output"
        )


def discard(*streams: int) -> None:
    """Redirect these streams, STDOUT or STDERR, to the null device.

    Otherwise Python's flush at exit reports an error for a stream that cannot be written.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream)
    os.close(nowhere)


def flush() -> None:
    """Flush both streams; raises BrokenPipeError, or UnwritableOutput for standard output."""
    if sys.stdout is not None:
        _write_result("")
    _write_message("")


def show(*lines: str) -> None:
    """Print lines of the result on standard output; line ends within a line are escaped."""
    _write_result("\n".join(map(visible, lines)) + "\n")


def show_json(
    value: object, *, indent: int | None = None, default: Callable[[Any], object] | None = None
) -> None:
    """Print one JSON value on standard output, in ASCII."""
    import json

    _write_result(json.dumps(value, indent=indent, default=default) + "\n")


def show_screen(*lines: str) -> None:
    """Print lines in place of all that the terminal shows, cut to its size.

    If standard output is no terminal, they are printed as by `show`.
    """
    if sys.stdout is not None and sys.stdout.isatty():
        width, height = os.get_terminal_size(sys.stdout.fileno())
        lines = tuple(visible(line)[: width or None] for line in lines[: height - 1 or None])
        click.clear()
    show(*lines)


def wait(seconds: float) -> None:
    """Wait between two results; raise BrokenPipeError when nobody reads standard output."""
    poll = select.poll()
    if sys.stdout is not None:
        # Errors are told in any case.
        poll.register(sys.stdout.fileno(), 0)
    if poll.poll(seconds * 1000):
        raise BrokenPipeError


def say(*lines: str) -> None:
    """Print messages on standard error; line ends within a line are escaped.

    If standard error cannot be written, they are dropped.
    """
    _write_message("\n".join(map(visible, lines)) + "\n")


def say_error(message: str, hint: str = "") -> None:
    """Print an error and its hint, if it has one, on standard error."""
    say(f"error: {message}", *([f"hint: {hint}"] if hint else []))


def say_fault() -> None:
    """Print the traceback of the current exception on standard error."""
    say(*traceback.format_exc().rstrip("\n").split("\n"))


class Status:
    """The status of a command on standard error: on a terminal, one line that is rewritten."""

    def __init__(self) -> None:
        self.is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._width = 0

    def show(self, text: str) -> None:
        """Show a short text: on a terminal in place of the last one, else on a new line."""
        if not self.is_terminal:
            say(text)
            return
        line = visible(text)
        _write_message("\r" + line.ljust(self._width))
        self._width = len(line)

    def clear(self) -> None:
        """Remove the line from a terminal."""
        if self._width:
            _write_message("\r" + " " * self._width + "\r")
            self._width = 0


def _write_result(text: str) -> None:
    """Write to standard output and flush it; raise UnwritableOutput if that fails."""
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:
        raise
    except OSError as error:
        discard(STDOUT)
        raise UnwritableOutput(f"standard output: {error.strerror}") from error


def _write_message(text: str) -> None:
    try:
        click.echo(text, nl=False, err=True)
    except BrokenPipeError:
        raise
    except OSError:
        discard(STDERR)
