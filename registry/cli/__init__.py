"""The `registry` command: one file per sub-command, loaded when it is called.

A sub-command lives in `registry/cli/NAME.py` (for names that Python reserves,
`NAME_.py`) and exports one click command called `command`.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from contextlib import suppress
from typing import Any

import click

from registry import __version__
from registry.cli._ending import Ending
from registry.cli._memory import lacks_memory, not_enough, prepare_memory
from registry.errors import RegistryError, UnwritableOutput, part_missing
from registry.terminal import (
    STDERR,
    STDOUT,
    discard,
    flush,
    refuse_closed_stdout,
    say,
    say_error,
    say_fault,
    settle,
)

# Shown by `registry --help` without importing the commands themselves, which
# keeps the start under 0.2 s. A house test holds this equal to the files.
SUMMARIES = {
    "agents": "List the agents that marks name, by purpose, with the list's date and source.",
    "check": "Tell for every row of a dataset whether it is reserved, and why.",
    "claims": "List and withdraw imported claims.",
    "explain": "Show evidence, signals and verdict for URLs, files, headers or evidence lines.",
    "hash": "Print digests and fingerprints of image files.",
    "history": "Show what was seen of an image, page, hash or site, and when.",
    "import": "Load lists of entries, or register pictures.",
    "init": "Create or migrate the database.",
    "lookup": "Look up an image file, an image URL, a hash or a digest.",
    "selftest": "Run conformance vectors: is every mark read as the documents say?",
    "snapshot": "Publish, verify and compare snapshots.",
    "stats": "Count what is recorded, by site, signal and freshness.",
}


# What a shell reports of a process that SIGPIPE ended, as it ends most tools.
READER_LEFT = 141
# EX_SOFTWARE of sysexits.h. Python's own code for a fault is 1, which here means reserved rows.
FAULT = 70


def run(group: click.Command, program: str) -> None:
    """Run a click command as a process: one-line errors, documented exit codes."""
    ending = Ending()
    settle()
    sys.exit(ending.done(_code(group, program)))


def _code(group: click.Command, program: str) -> int:
    """Run a click command and return the exit code, that of a reader that left included."""
    stdout = sys.stdout
    try:
        code = _outcome(group, program)
        with suppress(UnwritableOutput):  # it is said already
            flush()
    except BrokenPipeError:
        return _reader_left()
    except SystemExit:
        # click ends the process itself at a broken pipe, with the code of reserved
        # rows, and has then put something in the place of stdout.
        if sys.stdout is stdout:
            raise
        return _reader_left()
    return code


def _outcome(group: click.Command, program: str) -> int:
    """Run a click command, say what went wrong, and return the exit code."""
    try:
        refuse_closed_stdout()
        prepare_memory()
        code = group.main(prog_name=program, standalone_mode=False)
        flush()
    except BrokenPipeError:
        raise
    except (click.ClickException, RegistryError, OSError) as error:
        return _said(not_enough() if lacks_memory(error) else error, program)
    except (KeyboardInterrupt, click.Abort):
        say("interrupted")
        return 130
    except Exception as error:  # noqa: BLE001 (the process's edge: a fault of ours must not look like an answer)
        if lacks_memory(error):
            return _said(not_enough(), program)
        missing = part_missing(error)
        if missing is not None:
            return _said(missing, program)
        say_fault()
        return FAULT
    return code if isinstance(code, int) else 0


def _said(error: click.ClickException | RegistryError | OSError, program: str) -> int:
    """Say in a line what is wrong, and return the exit code."""
    if isinstance(error, RegistryError):
        say_error(error.message, error.hint)
        return error.exit_code
    if isinstance(error, OSError):
        # Files are opened in many places; what the system says of them is enough.
        named = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        say_error(f"{named}{error.strerror or error}")
        return 4
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        say(*error.format_message().split("\n"))
    elif isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx else program
        say_error(error.format_message(), f"{where} --help")
    else:
        say_error(error.format_message())
    return error.exit_code


def _reader_left() -> int:
    """Say nothing more to a reader that is gone (`| head`), and return the exit code."""
    discard(STDOUT, STDERR)
    return READER_LEFT


class LateGroup(click.Group):
    """A click group that imports a sub-command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all sub-commands, sorted."""
        return sorted(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the sub-command's file and return its `command`."""
        if cmd_name not in SUMMARIES:
            return None
        module = "import_" if cmd_name == "import" else cmd_name
        loaded: click.Command = importlib.import_module(f"registry.cli.{module}").command
        return loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command list from SUMMARIES, importing nothing."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(SUMMARIES.items()))


def command_files() -> set[str]:
    """Return the names of the sub-commands that have a file here."""
    files = {m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")}
    return {name.rstrip("_") for name in files}


@click.command(cls=LateGroup)
@click.version_option(__version__, prog_name="registry")
def registry() -> None:
    """Which images are reserved against AI training, and how do we know?"""


def main(*_: Any) -> None:
    """Entry point of the `registry` command."""
    run(registry, "registry")
