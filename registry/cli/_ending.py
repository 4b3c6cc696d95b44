"""How a command ends by a signal: with 128 and the signal's number, whenever it comes."""

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

# Seconds after which a signal is sent again that came within a callback of the interpreter.
_AGAIN = 0.01


class Ending:
    """The end of this process, from the first signal to its exit code.

    While the command works, SIGTERM or SIGHUP raises SystemExit, so that what is half written is
    removed. Once the command is done, a signal interrupts nothing (an embedded server is
    being stopped then) and only changes the exit code. The interpreter is not taken down
    piece by piece: it would give signals back their default action in between.
    """

    def __init__(self) -> None:
        """Begin: SIGTERM is ours from here on, and SIGHUP unless `nohup` has it ignored."""
        self._signal: int | None = None
        self._code: int | None = None
        sys.unraisablehook = self._lost
        # What is registered first is called last.
        atexit.register(self._exit)
        signal.signal(signal.SIGTERM, self._came)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._came)

    def done(self, code: int) -> int:
        """Note the exit code of a command that is done, and return it."""
        self._code = code
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._came)
        return code

    def _came(self, number: int, _frame: FrameType | None) -> None:
        self._signal = number
        if self._code is None:
            raise SystemExit(128 + number)

    def _lost(self, lost: sys.UnraisableHookArgs) -> None:
        """Send a signal again whose exception came where Python drops exceptions."""
        interrupted = isinstance(lost.exc_value, KeyboardInterrupt)
        number = signal.SIGINT if interrupted else self._signal
        if number is not None and (interrupted or isinstance(lost.exc_value, SystemExit)):
            again = threading.Timer(_AGAIN, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
        else:
            sys.__unraisablehook__(lost)

    def _exit(self) -> None:
        """End the process at once, after everything else that was to be done at exit."""
        with suppress(OSError, UnwritableOutput):
            flush()
        if self._signal is not None:
            os._exit(128 + self._signal)
        if self._code is not None:
            os._exit(self._code)
