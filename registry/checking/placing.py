"""Units of a check, checked elsewhere: an engine places them, the results come back in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from registry.checking.jobs import DonePart, Job, check_unit
from registry.errors import EngineUnavailable, RegistryError
from registry.ordered import in_order

if TYPE_CHECKING:
    from registry.datasets.units import Unit

UnitResult = list[DonePart] | RegistryError
Work = Callable[[bytes, "Unit"], UnitResult]
Send = Callable[["Unit"], "Future[UnitResult]"]
# Units that are sent for each that is checked at a time: one may take longer than others.
AHEAD = 4


class Engine(Protocol):
    """Calls a function in processes anywhere, again if its process ends.

    `name` is shown. `errors` are what its futures raise.
    """

    name: str
    errors: tuple[type[Exception], ...]

    def slots(self) -> int:
        """Return how many units are checked at a time now."""

    def sender(self, work: Work, data: bytes) -> Send:
        """Return a function that has `work(data, unit)` called for a unit."""

    def close(self) -> None:
        """Stop the work that is not done, and let go of what was started."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a check is made: the engine, and the names of the dataset, which it opens there."""

    engine: Engine
    names: Sequence[str]

    @property
    def absolute(self) -> list[str]:
        """The names as a process in another folder has to give them."""
        return [name if "://" in name else str(Path(name).absolute()) for name in self.names]


def placed(engine: Engine, job: Job, units: Sequence[Unit]) -> Iterator[list[DonePart]]:
    """Yield what is done of each unit, in their order.

    Raises the error of a unit, and EngineUnavailable where the engine fails.
    """
    send = engine.sender(check_unit, job.to_bytes())
    try:
        for result in in_order(send, units, lambda: AHEAD * max(engine.slots(), 1)):
            if isinstance(result, RegistryError):
                raise result
            yield result
    except engine.errors as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise EngineUnavailable(
            f"{engine.name} gave up: {lines[-1] if lines else type(error).__name__}",
            "the same command goes on with what is left, or without --engine on this machine",
        ) from error
