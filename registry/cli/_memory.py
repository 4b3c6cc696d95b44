"""What becomes of a command that may not use enough memory: one error that names the limit.

Little memory shows in many ways: a library that cannot be loaded, a thread that cannot be
started, a file that cannot be mapped. With less than LEAST_MEMORY native libraries end the
process themselves, with any exit code, so that no command is begun with less.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator

from registry.errors import NotEnoughMemory

# Bytes of addresses and of data. numpy, pyarrow and psycopg take 370 and 120 MiB before any row.
LEAST_MEMORY = {"ulimit -v": 512 << 20, "ulimit -d": 256 << 20}
_WORDS = (
    *("can't start new thread", "Failed to launch worker thread"),
    *("failed to map segment", "annot allocate memory"),
)


def prepare_memory() -> None:
    """Raise NotEnoughMemory under a limit too low for any command; have few threads started."""
    limits = _limits()
    if any(size < LEAST_MEMORY[command] for size, command in limits):
        raise not_enough()
    # No command does linear algebra: the threads that numpy starts for it only cost time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if limits:
        # A thread takes up to 40 MiB of addresses, and there would be one for each core.
        os.environ.setdefault("OMP_NUM_THREADS", "1")


def lacks_memory(error: BaseException) -> bool:
    """Tell whether an error, or what led to it, comes of too little memory."""
    return any(map(_says_so, _causes(error)))


def not_enough() -> NotEnoughMemory:
    """Return the error, which names the limit if there is one."""
    limits = _limits()
    if not limits:
        return NotEnoughMemory("there is not enough memory, or no further thread may be started")
    size, command = min(limits)
    return NotEnoughMemory(
        f"there is not enough memory: this process is limited to {size >> 20} MiB ({command})",
        f"raise the limit, `{command} unlimited` removes it",
    )


def _limits() -> list[tuple[int, str]]:
    """Return the limits of this process's memory in bytes, with the commands that set them."""
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


def _says_so(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    # Not of our own errors, which quote other people's text.
    of_system = isinstance(error, (RuntimeError, ImportError, OSError))
    of_arrow = type(error).__module__.startswith("pyarrow")
    return (of_system or of_arrow) and any(words in str(error) for words in _WORDS)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that led to it."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__
