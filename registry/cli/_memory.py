"""Too little memory for a command: one error that names the limit.

A lack of memory appears in many ways: a library is not loaded, a thread does not start, a
file is not mapped. With less than LEAST_MEMORY native libraries end the process themselves,
with any exit code, so commands refuse to start with less.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator

from registry.errors import NotEnoughMemory

# Bytes of address space and of data; numpy, pyarrow and psycopg alone take 370 and 120 MiB.
LEAST_MEMORY = {"ulimit -v": 512 << 20, "ulimit -d": 256 << 20}
_WORDS = (
    *("can't start new thread", "Failed to launch worker thread"),
    *("failed to map segment", "annot allocate memory"),
)


def prepare_memory() -> None:
    """Raise NotEnoughMemory if a limit is too low for any command; else limit threads."""
    limits = _limits()
    if any(size < LEAST_MEMORY[command] for size, command in limits):
        raise not_enough()
    # No command does linear algebra: the threads that numpy starts for it only cost time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if limits:
        # A thread takes up to 40 MiB of address space, and one is started per core.
        os.environ.setdefault("OMP_NUM_THREADS", "1")


def lacks_memory(error: BaseException) -> bool:
    """Return whether an error or one of its causes means that memory is short."""
    return any(map(_is_memory_error, _causes(error)))


def not_enough() -> NotEnoughMemory:
    """Return an error that names the limit of this process, if it has one."""
    limits = _limits()
    if not limits:
        return NotEnoughMemory("there is not enough memory, or no more threads can be started")
    size, command = min(limits)
    return NotEnoughMemory(
        f"there is not enough memory: this process is limited to {size >> 20} MiB ({command})",
        f"raise the limit, or remove it with `{command} unlimited`",
    )


def _limits() -> list[tuple[int, str]]:
    """Return the memory limits of this process in bytes, and the commands that set them."""
    if sys.platform == "win32":
        return []
    import resource

    limits = []
    for number, command in (
        (resource.RLIMIT_AS, "ulimit -v"),
        (resource.RLIMIT_DATA, "ulimit -d"),
    ):
        soft, _ = resource.getrlimit(number)
        if soft != resource.RLIM_INFINITY:
            limits.append((soft, command))
    return limits


def _is_memory_error(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    # Not in our own errors: they quote other people's text.
    of_system = isinstance(error, (RuntimeError, ImportError, OSError))
    of_arrow = type(error).__module__.startswith("pyarrow")
    return (of_system or of_arrow) and any(words in str(error) for words in _WORDS)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__
