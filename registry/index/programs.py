"""What covers a host: its parts, and which of them apply to a path. Pure."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from registry.urls.paths import normal_path
from registry.verdict.patterns import ByStart

if TYPE_CHECKING:
    from collections.abc import Iterable

    from registry.index.compiled_rules import Compiled
    from registry.model import Signal


class Part(NamedTuple):
    """One row that covers a host.

    `wider`: a claim on a wider host, which may cover it. `source` is the number of the host that
    the row is about, among those of all parts.
    """

    rules: Compiled
    wider: bool
    source: int


# The number of a part, and its signals that apply.
Applicable = tuple[int, tuple["Signal", ...]]


class Program:
    """What covers a host. Hosts with the same program and the same paths have the same answers."""

    def __init__(self, parts: Iterable[Part]) -> None:
        """Take the parts in the order in which they are asked."""
        self.parts = tuple(parts)

    @cached_property
    def is_same_everywhere(self) -> bool:
        """Whether the same signals apply to every path."""
        return all(part.rules.is_same_everywhere for part in self.parts)

    def applicable(self, path: str) -> tuple[Applicable, ...]:
        """Return the parts of which signals apply to a path, in order."""
        path = normal_path(path)
        asked = sorted(self._by_start.of(path))
        each = ((number, self.parts[number].rules.applicable(path)) for number in asked)
        return tuple((number, signals) for number, signals in each if signals)

    @cached_property
    def _by_start(self) -> ByStart:
        # A platform may have a claim for each of its users' paths.
        by_start = ByStart()
        for number, part in enumerate(self.parts):
            by_start.add(part.rules.start, number)
        return by_start
