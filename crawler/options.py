"""How to visit a site: the limits of a visit and its pace. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from registry.errors import UsageError


@dataclass(frozen=True, slots=True)
class VisitLimits:
    """The limits of one visit: counts, seconds for the whole visit, bytes per image."""

    pages: int = 500
    depth: int = 10
    images: int = 5000
    seconds: float = 3600
    bytes: int = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Options:
    """How to crawl: limits per visit, seconds between requests, seconds per download.

    `contact` is a web page or `mailto:` address for site owners. `private`: the start
    hosts may have public names that resolve to private addresses. `fresh`: ask for everything
    as if for the first time. `every_page`: later visits of a schedule ask for every page.
    """

    limits: VisitLimits = field(default_factory=VisitLimits)
    delay: float = 1.0
    timeout: float = 30.0
    contact: str | None = None
    verbose: bool = False
    private: bool = False
    fresh: bool = False
    every_page: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError for a number that is negative, infinite or no number."""
        numbers = {"delay": self.delay, "timeout": self.timeout} | asdict(self.limits)
        for name, number in numbers.items():
            if not (math.isfinite(number) and number >= 0):
                raise UsageError(f"{name} {number:g} is out of range", "a number of 0 or more")

    @classmethod
    def of(
        cls, values: Mapping[str, Any], *, contact: str | None = None, verbose: bool = False
    ) -> Options:
        """Return the options in a command's arguments, or in those that a schedule stores."""
        limits = {
            name: values[f"max_{name}"]
            for name in VisitLimits.__dataclass_fields__
            if f"max_{name}" in values
        }
        names = ("delay", "timeout", "private", "fresh", "every_page")
        others = {name: values[name] for name in names if name in values}
        return cls(VisitLimits(**limits), **others, contact=contact, verbose=verbose)

    def stored(self) -> dict[str, Any]:
        """Return what a schedule stores: the options that differ from the defaults."""
        usual = Options()._storable()
        return {name: value for name, value in self._storable().items() if value != usual[name]}

    def _storable(self) -> dict[str, Any]:
        """Return the limits and the options that do not depend on who makes the visit."""
        limits = {f"max_{name}": value for name, value in asdict(self.limits).items()}
        names = ("delay", "timeout", "private", "every_page")
        return limits | {name: getattr(self, name) for name in names}
