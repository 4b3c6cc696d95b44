"""Types shared by parent and worker: the work, its limits, and the messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

A = TypeVar("A")
R = TypeVar("R")

# Exit code of a worker that exceeds its memory limit.
OUT_OF_MEMORY_CODE = 77
READY = b"ready"
TAKEN = b"taken"
Kind = Literal["value", "out-of-memory", "fault"]


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Limits of one call: `seconds`, and bytes of `memory` in addition to the worker's own."""

    seconds: float
    memory: int


@dataclass(frozen=True, slots=True)
class Work(Generic[A, R]):
    """A function to call in a worker, by reference: it must be importable by its name.

    `prepare` is called once in every worker, before its first call and outside the
    limits: it imports modules that take long to load.
    """

    function: Callable[[A], R]
    limits: CallLimits
    prepare: Callable[[], object] = tuple
