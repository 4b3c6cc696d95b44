"""AIPREF usage preferences, as `Content-Usage` writes them in headers and robots.txt.

Used by the readers of the preferences and of the CC signals in their parameters.
Labels by draft (draft-ietf-aipref-vocab-NN), each broader label followed by those
that it includes:

    01      tdm > ai > genai, search, inference
    02      all > train-ai > train-genai, ai-use, search
    03      bots > train-ai > train-genai, search
    04      bots > train-ai, ai-output > search
    05-07   train-ai, search
    08      train-ai, ai-use, search
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from registry.model import Conformance, Meaning, Use
from registry.signals import _structured
from registry.signals._structured import Member

CURRENT = frozenset({"train-ai", "ai-use", "search"})
# The uses that a label covers; below, the narrower labels of its draft for some of these uses.
_TRAIN: tuple[Use, ...] = ("train", "train-genai")
_EVERYTHING: tuple[Use, ...] = (*_TRAIN, "ai-input", "search")
LABELS: dict[str, tuple[Use, ...]] = {
    "train-ai": _TRAIN,
    "ai-use": ("ai-input",),
    "search": ("search",),
    "tdm": ("tdm", *_TRAIN),
    "ai": _TRAIN,
    "genai": ("train-genai",),
    "inference": ("ai-input",),
    "all": _EVERYTHING,
    "train-genai": ("train-genai",),
    "bots": _EVERYTHING,
    "ai-output": ("ai-input", "search"),
}
_NARROWER: dict[str, tuple[str, ...]] = {
    "tdm": ("ai", "genai"),
    "ai": ("genai",),
    "all": ("train-ai", "train-genai", "ai-use", "search"),
    "bots": ("train-ai", "train-genai", "ai-output", "search"),
    "ai-output": ("search",),
}
# In Content Signals and RSL the label's two words are in reverse order.
_MISSPELT = {"ai-train": "train-ai", "ai-training": "train-ai"}
_REFUSALS = frozenset({"n", "no", "false", "?0", "deny", "disallow", "disallowed"})
CC_SIGNALS = frozenset({"cc-cr", "cc-cr-dc", "cc-cr-ec", "cc-cr-op"})

_EQUALS = re.compile(r"(?<!\s)\s*+[=:]\s*+")
_SEPARATOR = re.compile(r"[\s,;|]+")
_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*")
_AROUND = "\"'(){}[]"


# Most characters of a field whose reading is cached.
MAX_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Preference:
    """The value, `y` or `n`, that a field gives to one label.

    `exception` is the CC signal in a parameter of the refusal; `fault` is the error
    in a malformed one.
    """

    label: str
    value: str
    uses: tuple[tuple[Use, Meaning], ...]
    conformance: Conformance
    exception: str | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class FieldPreferences:
    """The preferences of one field value; `parsed` is False if it violates the grammar."""

    preferences: tuple[Preference, ...]
    parsed: bool


def preferences_of(values: Sequence[str], *, whole: bool = True) -> FieldPreferences:
    """Read the values of all lines of one field; `whole` is False if some were cut off.

    The well formed preferences come first, in the order of the field, then the
    malformed refusals.
    """
    # A site sends the same few values with every image: the readings of short ones are cached.
    if sum(map(len, values)) <= MAX_REMEMBERED:
        return _remembered(tuple(values), whole)
    return _preferences_of(values, whole)


@lru_cache(maxsize=1024)
def _remembered(values: tuple[str, ...], whole: bool) -> FieldPreferences:
    return _preferences_of(values, whole)


def _preferences_of(values: Sequence[str], whole: bool) -> FieldPreferences:
    members = _structured.dictionary(_structured.joined(values)) if whole else None
    stated = {
        label: member
        for label, member in (members or {}).items()
        if label in LABELS and member.token in {"y", "n"}
    }
    preferences = [_preference(label, member, stated) for label, member in stated.items()]
    fault = _fault(whole, members is not None)
    for label in _refused(values):
        if label not in stated or stated[label].token != "n":
            preferences += _malformed(label, stated, fault)
    return FieldPreferences(tuple(preferences), members is not None)


def refusals(preferences: Iterable[Preference], fault: str) -> tuple[Preference, ...]:
    """Return the refusals, as malformed, of preferences in a place that no draft allows."""
    return tuple(
        replace(preference, conformance="malformed", fault=preference.fault or fault)
        for preference in preferences
        if preference.value == "n" and preference.uses
    )


def _preference(label: str, member: Member, stated: Mapping[str, Member]) -> Preference:
    current = label in CURRENT
    exception = _exception(member)
    meaning: Meaning = "allowed"
    if member.token == "n":
        # AIPREF requires that the parameter is ignored; no current document defines a legacy label.
        meaning = "conditional" if exception and not current else "reserved"
    uses = tuple((use, meaning) for use in _uses_of(label, stated))
    return Preference(label, member.token or "", uses, "ok" if current else "legacy", exception)


def _exception(member: Member) -> str | None:
    named = member.parameters.get("exceptions")
    refuses = member.token == "n"
    return named if refuses and isinstance(named, str) and named in CC_SIGNALS else None


def _malformed(label: str, stated: Mapping[str, Member], fault: str) -> list[Preference]:
    meaning: Meaning = "reserved"
    uses = tuple((use, meaning) for use in _uses_of(label, stated))
    return [Preference(label, "n", uses, "malformed", fault=fault)] if uses else []


def _uses_of(label: str, stated: Mapping[str, Member]) -> list[Use]:
    """Return the uses of a label, except those for which the field has a narrower label."""
    decided = {use for name in _NARROWER.get(label, ()) if name in stated for use in LABELS[name]}
    return [use for use in LABELS[label] if use not in decided]


def _fault(whole: bool, parsed: bool) -> str:
    if not whole:
        return "too long to be read to its end"
    return (
        "not written as a preference, or replaced by a later one" if parsed else "not a Dictionary"
    )


def _refused(values: Iterable[str]) -> list[str]:
    """Return the labels that any line refuses, in any spelling."""
    labels: dict[str, None] = {}
    for value in values:
        labels.update(dict.fromkeys(_refused_in(value)))
    return list(labels)


def _refused_in(line: str) -> list[str]:
    refused: dict[str, bool] = {}
    seen: set[str] = set()
    for word in _SEPARATOR.split(_EQUALS.sub("=", line)):
        name, _, value = word.partition("=")
        label = _label(name)
        if label is None:
            continue
        refuses = value.strip(_AROUND).lower() in _REFUSALS
        # In the drafts' examples a later value that is not a Token cancels an earlier value
        # of the same line.
        again = label in seen
        seen.add(label)
        if again and not _TOKEN.fullmatch(value):
            refused[label] = False
        else:
            refused[label] = refuses or refused.get(label, False)
    return [label for label, refuses in refused.items() if refuses]


def _label(name: str) -> str | None:
    label = name.strip(_AROUND).lower().replace("_", "-")
    label = _MISSPELT.get(label, label)
    return label if label in LABELS else None
