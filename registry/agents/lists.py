"""Agent lists: parsing, differences and merging. Pure.

Two formats are read: this project's own (`registry/agents/agents.json`, purposes
by name of the class) and the robots.json of ai.robots.txt (an object of agents,
each with a `function` in prose). From prose a purpose is only suggested; a person changes
the list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from registry.errors import UnreadableInput

PURPOSES = ("train", "token", "policy-token", "mixed", "search", "user", "agent", "unclear")
HINT = "give the robots.json of ai.robots.txt, or another agents.json"

# The first that is found in the prose says it.
_SUGGESTIONS = (
    ("agent", re.compile(r"\bagents?\b(?!.*search)|takes action", re.IGNORECASE)),
    ("user", re.compile(r"assistants\b|user[- ](?:initiated|prompts|queries)", re.IGNORECASE)),
    ("train", re.compile(r"train|dataset|\bllms?\b|scrapes images", re.IGNORECASE)),
    ("search", re.compile(r"search", re.IGNORECASE)),
    ("mixed", re.compile(r"data|scrap|\bai\b", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True)
class AgentList:
    """Agents with their purposes, each list in its own spelling.

    `suggested` holds the purposes suggested by the source's prose; `meaning` describes
    each purpose.
    """

    purpose: Mapping[str, str]
    suggested: Mapping[str, str]
    meaning: Mapping[str, str] = field(default_factory=dict)
    read: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Differences:
    """The differences between an older and a newer list, by name, in order.

    `added` and `removed` map names to purposes; `changed` to the purposes before
    and after.
    """

    added: Mapping[str, str]
    removed: Mapping[str, str]
    changed: Mapping[str, tuple[str, str]]

    def __bool__(self) -> bool:
        """Return whether there are differences."""
        return bool(self.added or self.removed or self.changed)


def parse(text: str, name: str) -> AgentList:
    """Return a list in either format; raise UnreadableInput with the file and the fault."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableInput(f"{name}: not JSON: {error}", HINT) from error
    if not isinstance(data, dict) or not data:
        raise UnreadableInput(f"{name}: not a list of agents", HINT)
    if "classes" in data:
        return _own(data, name)
    functions = {agent: _function(entry) for agent, entry in data.items()}
    if None in functions.values():
        wrong = next(agent for agent, function in functions.items() if function is None)
        raise UnreadableInput(f"{name}: {wrong!r} has no `function`", HINT)
    suggested = {agent: suggest(function or "") for agent, function in functions.items()}
    return AgentList({}, suggested)


def suggest(function: str) -> str:
    """Return the purpose that a `function` of ai.robots.txt suggests."""
    purposes = (purpose for purpose, words in _SUGGESTIONS if words.search(function))
    return next(purposes, "unclear")


def difference(older: AgentList, newer: AgentList) -> Differences:
    """Compare two lists by purpose, or by what prose suggests where one has nothing else."""
    by_prose = not newer.purpose
    before = older.suggested if by_prose else older.purpose
    after = newer.suggested if by_prose else newer.purpose
    old_names, new_names = _by_token(older.purpose), _by_token(after)
    added = {name: after[name] for name in new_names.values() if name.lower() not in old_names}
    removed = {
        name: purpose for name, purpose in older.purpose.items() if name.lower() not in new_names
    }
    # Some agents are listed in two spellings, each with prose of its own.
    was = {name.lower(): purpose for name, purpose in before.items()} | dict(before)
    pairs = {name: (was.get(name, was.get(name.lower())), now) for name, now in after.items()}
    changed = {name: (old, now) for name, (old, now) in pairs.items() if old and old != now}
    return Differences(added, removed, changed)


def merged(older: AgentList, added: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the classes of a list with further agents, as they stand in agents.json."""
    classes: dict[str, list[str]] = {purpose: [] for purpose in PURPOSES}
    for name, purpose in [*older.purpose.items(), *added.items()]:
        classes.setdefault(purpose, []).append(name)
    return {purpose: sorted(names, key=str.lower) for purpose, names in classes.items()}


def _by_token(names: Iterable[str]) -> dict[str, str]:
    return {name.lower(): name for name in names}


def _function(entry: object) -> str | None:
    function = entry.get("function") if isinstance(entry, dict) else None
    return function if isinstance(function, str) else None


def _own(data: Mapping[str, object], name: str) -> AgentList:
    classes = data["classes"]
    purpose = _flat(classes, name)
    suggested = {**purpose, **_flat(data.get("suggested_otherwise", {}), name)}
    meaning = data.get("purposes")
    return AgentList(
        purpose,
        suggested,
        meaning if isinstance(meaning, dict) else {},
        read=str(data.get("read", "")),
        source=str(data.get("source", "")),
    )


def _flat(classes: object, name: str) -> dict[str, str]:
    if not isinstance(classes, dict):
        raise UnreadableInput(f"{name}: classes are not an object", HINT)
    purpose_of: dict[str, str] = {}
    for purpose, names in classes.items():
        if purpose not in PURPOSES:
            known = ", ".join(PURPOSES)
            raise UnreadableInput(f"{name}: unknown purpose {purpose!r}", f"known are {known}")
        if not isinstance(names, list) or not all(isinstance(agent, str) for agent in names):
            raise UnreadableInput(f"{name}: {purpose} is not a list of names", HINT)
        purpose_of.update(dict.fromkeys(names, purpose))
    return purpose_of
