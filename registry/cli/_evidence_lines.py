"""Answers to evidence lines from a file or standard input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from registry.cli._evidence_files import hint_for
from registry.errors import RegistryError, UnreadableInput
from registry.evidence.responses import READ_LIMIT
from registry.explain.evidence_lines import answer, is_identity
from registry.files import COPY_OR_PIPE, opened, standard_input
from registry.terminal import say_error, show_json

# Bytes after which a line is considered endless, and the stream is no longer read.
ENDLESS_LINE = 1 << 30


def answer_lines(name: str, policy: str, *, all_policies: bool) -> int:
    """Print an answer, or an error, for every line, and return the exit code.

    With `all_policies` each answer holds the decision of every policy.
    """
    failed = 0
    for line in _lines(name):
        if line is not None and not line.strip():
            continue
        answered = _answered(line, policy, all_policies)
        failed += "error" in answered
        show_json(answered)
    if failed:
        lines = "1 line" if failed == 1 else f"{failed} lines"
        say_error(f"{lines} could not be answered", "the reasons are in the answers with `error`")
    return UnreadableInput.exit_code if failed else 0


def _answered(line: bytes | None, policy: str, all_policies: bool) -> dict[str, Any]:
    if line is None:
        return {"id": None, "error": f"longer than {READ_LIMIT >> 20} MiB"}
    identity: object = None
    try:
        given = json.loads(line)
        if not isinstance(given, dict):
            raise UnreadableInput("not a JSON object")
        identity = given.get("id") if is_identity(given.get("id")) else None
        return answer(given, policy, all_policies=all_policies)
    except (ValueError, RecursionError) as error:
        return {"id": identity, "error": f"not JSON: {error}"}
    except RegistryError as error:
        return {"id": identity, "error": error.message}


def _lines(name: str) -> Iterator[bytes | None]:
    if name == "-":
        yield from _bounded(standard_input())
        return
    try:
        with opened(Path(name), COPY_OR_PIPE) as file:
            yield from _bounded(file)
    except OSError as error:
        raise UnreadableInput(f"{name}: {error.strerror}", hint_for(name, error)) from error


def _bounded(file: IO[bytes]) -> Iterator[bytes | None]:
    """Yield the lines of a file, and None for each line longer than READ_LIMIT."""
    while line := file.readline(READ_LIMIT + 1):
        if len(line) <= READ_LIMIT or line.endswith(b"\n"):
            yield line
            continue
        yield None
        _skip_line(file)


def _skip_line(file: IO[bytes]) -> None:
    """Read to the end of a line; raise UnreadableInput after ENDLESS_LINE bytes."""
    for _ in range(ENDLESS_LINE // READ_LIMIT):
        rest = file.readline(READ_LIMIT)
        if not rest or rest.endswith(b"\n"):
            return
    raise UnreadableInput(
        f"a line is longer than {ENDLESS_LINE >> 30} GiB; the rest of the input is not read",
        "give one JSON object per line",
    )
