"""Conformance vectors: evidence lines with what is expected of them, run and compared.

The vectors stand in `tests/vectors/` of a checkout and travel in the wheel as
`registry/vectors/`. What their fields mean is in the README beside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import registry
from registry.errors import RegistryError, UnreadableInput
from registry.evidence_lines import answer, read_line, what_is_asked
from registry.model import USES
from registry.precedence import settled
from registry.site_rules import applicable

Outcome = Literal["agreed", "unsure", "failed"]

POLICIES = ("letter", "cautious")
LINE_LIMIT = 16 * 1024 * 1024
_USES = {"input": "ai-input", "generative_train": "train-genai"}


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of an answer that is not what a vector expects of it."""

    field: str
    expected: object
    got: object

    def __str__(self) -> str:
        """Return it in a line."""
        return f"{self.field}: expected {_shown(self.expected)}, got {_shown(self.got)}"


@dataclass(frozen=True, slots=True)
class Result:
    """How the answer to one vector compares under one policy.

    An unsure vector keeps its differences: the documents do not settle it.
    """

    vocabulary: str
    id: str
    policy: str
    outcome: Outcome
    differences: tuple[Difference, ...] = ()
    why: str = ""


def shipped() -> list[Path]:
    """Return the files of the vectors that come with this version, sorted."""
    package = Path(registry.__file__).parent
    for folder in (package / "vectors", package.parent / "tests" / "vectors"):
        if files := sorted(folder.glob("*.jsonl")):
            return files
    raise UnreadableInput(
        f"the vectors are missing beside {package}", "install optout-registry again"
    )


def load(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the vectors of a file; UnreadableInput names the line that is none."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LINE_LIMIT), b""), 1):
                if line.strip():
                    yield _vector(line, f"{path}, line {number}")
    except OSError as error:
        raise UnreadableInput(f"{path}: {error.strerror}") from error


def _vector(line: bytes, place: str) -> dict[str, Any]:
    try:
        vector = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableInput(f"{place}: not JSON: {error}") from error
    expect = vector.get("expect") if isinstance(vector, dict) else None
    if not isinstance(expect, dict) or not isinstance(expect.get("train"), str):
        raise UnreadableInput(f"{place}: no vector, it has no expect.train")
    return dict(vector)


def run(path: Path) -> Iterator[Result]:
    """Compare every vector of a file with its answer, under each policy."""
    for vector in load(path):
        for policy in POLICIES:
            yield judged(vector, policy, path.stem)


def judged(vector: Mapping[str, Any], policy: str, vocabulary: str = "") -> Result:
    """Compare one vector with its answer; UnreadableInput where it cannot be answered."""
    name = str(vector.get("id"))
    try:
        found = tuple(differences(vector, policy))
    except RegistryError as error:
        raise UnreadableInput(f"vector {name}: {error.message}", error.hint) from error
    outcome: Outcome = "unsure" if vector.get("unsure") else "failed" if found else "agreed"
    return Result(vocabulary, name, policy, outcome, found, str(vector.get("why") or ""))


def differences(vector: Mapping[str, Any], policy: str) -> Iterator[Difference]:
    """Yield what differs between a vector and its answer under a policy.

    The decision; the names of the signals, as a set; `warnings`, of which there
    must be as many as a number says, or one where a list does; under `letter` the
    licence, and of `uses` that some mark says what is expected of it.
    """
    expect = vector["expect"]
    given = answer(vector, policy)
    train = expect["train"] if policy == "letter" else expect.get("train_cautious", expect["train"])
    if given["train"] != train:
        yield Difference("train", train, given["train"])
    names = expect.get("signals")
    if names is not None and set(given["signals"]) != set(names):
        yield Difference("signals", sorted(set(names)), sorted(set(given["signals"])))
    warnings = expect.get("warnings") or 0
    least = warnings if isinstance(warnings, int) else 1
    if len(given["warnings"]) < least:
        yield Difference("warnings", warnings, given["warnings"])
    # A verdict always names what made it.
    if bool(given["deciding"]) != (given["train"] != "unspecified"):
        yield Difference("deciding", "what made the decision", given["deciding"])
    if policy == "letter":
        yield from _of_uses(vector, expect.get("uses") or {})
        if expect.get("licence", given["licence"]) != given["licence"]:
            yield Difference("licence", expect["licence"], given["licence"])


def _of_uses(vector: Mapping[str, Any], expected: Mapping[str, str]) -> Iterator[Difference]:
    said = _said(vector) if expected else {}
    for written, meaning in expected.items():
        use = _USES.get(written, written)
        found = said.get(use, set())
        fits = meaning in found if meaning != "unspecified" else not found
        if use not in USES or not fits:
            yield Difference(f"uses.{use}", meaning, sorted(found))


def _said(vector: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return what the marks of a vector say of each use, after they have settled."""
    target, reading = read_line(vector)
    said: dict[str, set[str]] = {}
    for signal in settled(applicable(reading.signals, target), what_is_asked(target)):
        for use, meaning in signal.uses:
            said.setdefault(use, set()).add(meaning)
    return said


def counted(results: Iterable[Result]) -> dict[str, dict[str, dict[str, int]]]:
    """Count results by vocabulary, policy and outcome."""
    table: dict[str, dict[str, dict[str, int]]] = {}
    for result in results:
        row = table.setdefault(result.vocabulary, {})
        counts = row.setdefault(result.policy, {"agreed": 0, "unsure": 0, "failed": 0})
        counts[result.outcome] += 1
    return table


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
