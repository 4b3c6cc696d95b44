"""Runs a command without the limits and settings of the process that starts it.

A server runs longer than the command that started it, and serves others. So it must not
inherit that command's limits (`ulimit -f` would end PostgreSQL with a PANIC while it writes
its log), ignored or blocked signals (`nohup`), umask or working folder.

Run as a script with the standard library only (`python -I -S fresh.py ORDER`).
ORDER is a JSON object: `command` (list), `environment` (null: this process's own),
and `account` ([uid, gid] to run it as, or null). The niceness stays: only root can lower it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys

LIMITS = ("AS", "CPU", "DATA", "FSIZE", "NOFILE", "NPROC", "RSS")
STACK_BYTES = 8 << 20
# The size of PostgreSQL's largest files, in bytes.
LARGEST_FILE = 1 << 30


def _raise_limit(number: int) -> None:
    """Remove a limit, or raise it to the hard limit if this account may not remove it."""
    _, hard = resource.getrlimit(number)
    for limit in (resource.RLIM_INFINITY, hard):
        try:
            resource.setrlimit(number, (limit, limit))
            return
        except (ValueError, OSError):
            continue


def reset_limits() -> None:
    """Remove the limits of memory, time, files and processes where this account may."""
    for name in LIMITS:
        if hasattr(resource, f"RLIMIT_{name}"):
            _raise_limit(getattr(resource, f"RLIMIT_{name}"))
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if soft != resource.RLIM_INFINITY and soft < STACK_BYTES:
        most = STACK_BYTES if hard == resource.RLIM_INFINITY else min(hard, STACK_BYTES)
        resource.setrlimit(resource.RLIMIT_STACK, (most, hard))
    size = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if size != resource.RLIM_INFINITY and size < LARGEST_FILE:
        sys.exit(f"FATAL: files are limited to {size} bytes here (ulimit -f); 1 GiB is needed")


def reset_signals() -> None:
    """Restore the default action of every signal, and unblock all."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):
            # The C library reserves a few signals.
            continue
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def main() -> None:
    """Reset limits and signals, change to the account, and execute the command."""
    order = json.loads(sys.argv[1])
    reset_limits()
    reset_signals()
    os.umask(0o077)
    os.chdir("/")
    if order["account"]:
        uid, gid = order["account"]
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    command, environment = order["command"], order["environment"]
    os.execve(command[0], command, os.environ if environment is None else environment)


if __name__ == "__main__":
    main()
