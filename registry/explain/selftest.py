"""Conformance vectors: evidence lines with their expected answers, run and compared.

The vectors are in `tests/vectors/` of a checkout and in the wheel as
`registry/vectors/`. The README beside them explains their fields.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import registry
from registry.errors import RegistryError, UnreadableInput
from registry.explain.evidence_lines import answer, read_line, target_about
from registry.files import opened
from registry.model import DECISIONS, USES
from registry.verdict.licensing import NAMES_AND_ADDRESSES
from registry.verdict.precedence import settled
from registry.verdict.without_url import applicable_without_url

Outcome = Literal["agreed", "unsure", "failed"]

POLICIES = ("letter", "cautious")
LINE_LIMIT = 16 * 1024 * 1024
_WRITTEN = "give one vector per line; tests/vectors/README.md describes them"
_USES = {"input": "ai-input", "generative_train": "train-genai"}


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of an answer whose value differs from the expected one."""

    field: str
    expected: object
    got: object

    def __str__(self) -> str:
        """Return it as one line; for names, those missing and those not expected."""
        if self.field == "signals" and _is_texts(self.expected) and _is_texts(self.got):
            expected, got = cast("list[str]", self.expected), cast("list[str]", self.got)
            missing = [name for name in expected if name not in got]
            unexpected = [name for name in got if name not in expected]
            parts = [f"missing {_shown(missing)}"] * bool(missing)
            parts += [f"not expected {_shown(unexpected)}"] * bool(unexpected)
            return f"signals: the names differ: {'; '.join(parts)}"
        return f"{self.field}: expected {_shown(self.expected)}, got {_shown(self.got)}"


@dataclass(frozen=True, slots=True)
class Result:
    """The comparison of one vector with its answer under one policy.

    An unsure vector keeps its differences: the specifications leave its result open.
    """

    vocabulary: str
    id: str
    policy: str
    outcome: Outcome
    differences: tuple[Difference, ...] = ()
    why: str = ""


def shipped() -> list[Path]:
    """Return the files of this version's vectors, sorted."""
    package = Path(registry.__file__).parent
    for folder in (package / "vectors", package.parent / "tests" / "vectors"):
        if files := sorted(folder.glob("*.jsonl")):
            return files
    raise UnreadableInput(f"the vectors of {package} are missing", "install optout-registry again")


def load(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the vectors of a file; raise UnreadableInput, with the line, for any other value."""
    for _, vector in _placed(path):
        yield vector


def _placed(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the vectors of a file with their lines; raise UnreadableInput if there are none."""
    empty = True
    try:
        with opened(path) as file:
            for number, line in enumerate(iter(lambda: file.readline(LINE_LIMIT), b""), 1):
                if line.strip():
                    empty = False
                    place = f"{path}, line {number}"
                    yield place, _vector(line, place)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UnreadableInput(f"{path}: {reason}", "name a file of vectors") from error
    if empty:
        raise UnreadableInput(f"{path}: the file has no vectors", _WRITTEN)


def _vector(line: bytes, place: str) -> dict[str, Any]:
    try:
        vector = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableInput(f"{place}: not JSON: {error}", _WRITTEN) from error
    expect = vector.get("expect") if isinstance(vector, dict) else None
    if not isinstance(expect, dict) or "train" not in expect:
        raise UnreadableInput(f"{place}: not a vector: expect.train is missing", _WRITTEN)
    if fault := next(_faults(vector, expect), ""):
        raise UnreadableInput(f"{place}: {fault}", _WRITTEN)
    return dict(vector)


def _faults(vector: Mapping[str, Any], expect: Mapping[str, Any]) -> Iterator[str]:
    """Yield the faults in the fields of a vector."""
    identity = vector.get("id")
    if isinstance(identity, bool) or not isinstance(identity, (str, int)) or identity == "":
        yield "not a vector: id is missing"
    for name in ("train", "train_cautious"):
        if name in expect and expect[name] not in DECISIONS:
            yield f"expect.{name} is not one of {', '.join(DECISIONS)}"
    if not _is_texts(expect.get("signals", [])):
        yield "expect.signals is not a list of names"
    warnings = expect.get("warnings") or 0
    if not (_is_texts(warnings) or (type(warnings) is int and warnings >= 0)):
        yield "expect.warnings is neither a number nor a list of strings"
    uses = expect.get("uses", {})
    if not isinstance(uses, dict) or not all(value in DECISIONS for value in uses.values()):
        yield f"expect.uses has a value that is not one of {', '.join(DECISIONS)}"
    if not isinstance(expect.get("licence"), (str, type(None))):
        yield "expect.licence is neither a URL nor null"


def _is_texts(given: object) -> bool:
    return isinstance(given, list) and all(isinstance(text, str) for text in given)


def run(path: Path) -> Iterator[Result]:
    """Compare every vector of a file with its answer, under each policy."""
    for place, vector in _placed(path):
        for policy in POLICIES:
            try:
                yield judged(vector, policy, path.stem)
            except UnreadableInput as error:
                raise UnreadableInput(f"{place}: {error.message}", error.hint) from error


def judged(vector: Mapping[str, Any], policy: str, vocabulary: str = "") -> Result:
    """Compare one vector with its answer; raise UnreadableInput if it cannot be answered."""
    name = str(vector.get("id"))
    try:
        faults = tuple(differences(vector, policy))
    except RegistryError as error:
        raise UnreadableInput(f"vector {name}: {error.message}", error.hint) from error
    outcome: Outcome = "unsure" if vector.get("unsure") else "failed" if faults else "agreed"
    return Result(vocabulary, name, policy, outcome, faults, str(vector.get("why") or ""))


def differences(vector: Mapping[str, Any], policy: str) -> Iterator[Difference]:
    """Yield the differences between a vector and its answer under a policy.

    Compared are the decision; the names of the signals, as a set (those of persons and addresses
    only where they are expected); `warnings`: at least as many as the number, or one for a list;
    under `letter` the licence and `uses`, each of which some mark must give the expected meaning.
    """
    expect = vector["expect"]
    given = answer(vector, policy)
    train = expect["train"] if policy == "letter" else expect.get("train_cautious", expect["train"])
    if given["train"] != train:
        yield Difference("train", train, given["train"])
    names = expect.get("signals")
    got = set(given["signals"]) - (NAMES_AND_ADDRESSES - set(names or ()))
    if names is not None and got != set(names):
        yield Difference("signals", sorted(set(names)), sorted(got))
    warnings = expect.get("warnings") or 0
    least = warnings if isinstance(warnings, int) else 1
    if len(given["warnings"]) < least:
        yield Difference("warnings", warnings, given["warnings"])
    # A verdict always names the marks that made it.
    if bool(given["deciding"]) != (given["train"] != "unspecified"):
        yield Difference("deciding", "the marks that decided", given["deciding"])
    if policy == "letter":
        yield from _of_uses(vector, expect.get("uses") or {})
        if expect.get("licence", given["licence"]) != given["licence"]:
            yield Difference("licence", expect["licence"], given["licence"])


def _of_uses(vector: Mapping[str, Any], expected: Mapping[str, str]) -> Iterator[Difference]:
    given = _meanings(vector) if expected else {}
    for written, meaning in expected.items():
        use = _USES.get(written, written)
        meanings = given.get(use, set())
        fits = meaning in meanings if meaning != "unspecified" else not meanings
        if use not in USES or not fits:
            yield Difference(f"uses.{use}", meaning, sorted(meanings))


def _meanings(vector: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the meanings that a vector's marks give to each use, after settling."""
    target, reading = read_line(vector)
    meanings: dict[str, set[str]] = {}
    for signal in settled(applicable_without_url(reading.signals, target), target_about(target)):
        for use, meaning in signal.uses:
            meanings.setdefault(use, set()).add(meaning)
    return meanings


def counted(results: Iterable[Result]) -> dict[str, dict[str, dict[str, int]]]:
    """Return the numbers of results by vocabulary, policy and outcome."""
    table: dict[str, dict[str, dict[str, int]]] = {}
    for result in results:
        row = table.setdefault(result.vocabulary, {})
        counts = row.setdefault(result.policy, {"agreed": 0, "unsure": 0, "failed": 0})
        counts[result.outcome] += 1
    return table


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
