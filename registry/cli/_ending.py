"""The exit code of a command that a signal ends: 128 plus the signal's number."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

from registry.errors import UnwritableOutput
from registry.terminal import flush

# Seconds until a signal is sent again that arrived within a callback of the interpreter.
_AGAIN = 0.01


class Ending:
    """The end of this process, from the first signal to its exit code.

    While the command runs, SIGTERM or SIGHUP raises SystemExit, so that unfinished files are
    removed. After the command, while an embedded server is being stopped, a signal only
    changes the exit code. The process ends by os._exit: a normal exit of the interpreter
    restores the default actions of signals on the way.
    """

    def __init__(self) -> None:
        """Handle SIGTERM from here on, and SIGHUP unless `nohup` made it ignored."""
        self._signal: int | None = None
        self._code: int | None = None
        sys.unraisablehook = self._on_lost_exception
        # Of the functions registered here, the first is called last.
        atexit.register(self._exit)
        signal.signal(signal.SIGTERM, self._on_signal)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._on_signal)

    @property
    def signalled_code(self) -> int | None:
        """The exit code that a signal asked for, None before any."""
        return None if self._signal is None else 128 + self._signal

    def done(self, code: int) -> int:
        """Store the exit code of a finished command, and return it."""
        self._code = code
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._on_signal)
        return code

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signal = number
        if self._code is None:
            raise SystemExit(128 + number)

    def _on_lost_exception(self, lost: sys.UnraisableHookArgs) -> None:
        """Send a signal again if its exception was raised where Python drops exceptions."""
        interrupted = isinstance(lost.exc_value, KeyboardInterrupt)
        number = signal.SIGINT if interrupted else self._signal
        if number is not None and (interrupted or isinstance(lost.exc_value, SystemExit)):
            again = threading.Timer(_AGAIN, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
        else:
            sys.__unraisablehook__(lost)

    def _exit(self) -> None:
        """End the process at once, after all other functions registered for exit."""
        with suppress(OSError, UnwritableOutput):
            flush()
        if self._signal is not None:
            os._exit(128 + self._signal)
        if self._code is not None:
            os._exit(self._code)
