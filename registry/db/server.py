"""Creates, starts and stops one embedded server. Callers hold the lock on its `gate`."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from registry import durable
from registry.db import fresh, keeper
from registry.db.probe import Answer, probe
from registry.db.reasons import reason
from registry.db.server_setup import MAJOR, ServerSetup, log_megabytes, make_folder
from registry.db.waiting import waits
from registry.errors import DatabaseUnavailable

# Long, since a server that recovers from a crash replays its log before it answers.
START_SECONDS = 600.0
# Time limits of a fast and then of an immediate shutdown; after them the server is killed.
SHUTDOWN_SECONDS = (60.0, 10.0)
STOP_SECONDS = sum(SHUTDOWN_SECONDS) + 5
# Sessions of a killed server run on for a moment and keep a new server from starting.
RETRY_SECONDS = 15.0
# Bytes; a starting server writes less.
LEAST_FREE = 64 << 10
SOCKET = ".s.PGSQL.5432"
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_ELSEWHERE = "name another folder in REGISTRY_HOME, or a server in REGISTRY_DATABASE_URL"
_OF_ANOTHER_SERVER = ("still in use", "already exists", "already in use")


def is_free(path: Path) -> bool:
    """Return whether no process holds a lock on the file."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def has_keeper(setup: ServerSetup) -> bool:
    """Return whether a keeper runs, and so perhaps a server."""
    return not is_free(setup.root / "keeper")


def answer(setup: ServerSetup) -> Answer:
    """Return whether the server accepts connections (see `probe`)."""
    return probe(setup.sockets / SOCKET)


def becomes_ready(setup: ServerSetup) -> bool:
    """Wait until a server with a keeper accepts connections; False if it ends or is too slow."""
    for _ in waits(START_SECONDS, f"the embedded PostgreSQL to start (its log: {setup.log})"):
        if not has_keeper(setup):
            return False
        if answer(setup) == "ready":
            return True
    return False


def start(setup: ServerSetup, gate: int) -> None:
    """Start a server if none runs; create its data folder if there is none.

    `gate` is the locked file: the programs that create the data keep it locked
    even if this process is killed. Raises DatabaseUnavailable with the reason.
    """
    if not setup.data.exists():
        _create(setup, gate)
    version = (setup.data / "PG_VERSION").read_text().strip()
    if version != str(MAJOR):
        raise DatabaseUnavailable(
            f"{setup.data} was made by PostgreSQL {version}, the embedded one is {MAJOR}",
            "dump it with that version's pg_dump, move the folder away, run `registry init`, "
            "and load the dump",
        )
    log = _start_once(setup)
    if log is not None and not has_keeper(setup) and not reason(log).is_named:
        # It named no fault: somebody killed it.
        log = _start_once(setup)
    if log is None:
        return
    stop(setup)
    raise failed("the embedded PostgreSQL did not start", setup, log, f"see {setup.log}")


def _start_once(setup: ServerSetup) -> str | None:
    """Start a server. Return None when it accepts connections, its log if it ends before."""
    for _ in waits(RETRY_SECONDS, "sessions of the embedded PostgreSQL that was killed"):
        _stop_orphan(setup)
        make_folder(setup.sockets, 0o700, setup.account)
        _start_keeper(setup)
        if becomes_ready(setup):
            return None
        log = setup.log.read_text(errors="replace")
        if has_keeper(setup) or not any(words in log for words in _OF_ANOTHER_SERVER):
            break
    return log


def stop(setup: ServerSetup) -> None:
    """Stop server and keeper, in whatever state they are; return when both have ended.

    Raises DatabaseUnavailable for a server that survives SIGKILL.
    """
    signalled = None
    for _ in waits(STOP_SECONDS, f"the embedded PostgreSQL to stop (its log: {setup.log})"):
        if not has_keeper(setup):
            break
        pid = _keeper_pid(setup)
        if pid != signalled:
            _signal(pid, signal.SIGTERM)
            signalled = pid
    else:
        # The keeper has not ended in time, so the server is stopped without it.
        _signal(_keeper_pid(setup), signal.SIGKILL)
    _stop_orphan(setup)


def _keeper_pid(setup: ServerSetup) -> int | None:
    """Return the keeper's process id, None if the keeper has not written it yet."""
    text = (setup.root / "keeper").read_text()
    return int(text) if text.endswith("\n") else None


def _signal(pid: int | None, number: signal.Signals) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _create(setup: ServerSetup, gate: int) -> None:
    """Create the data folder with an empty database `registry`, completely or not at all."""
    unfinished = setup.root / "data.unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    make_folder(unfinished, 0o700, setup.account)
    options = ["--username=postgres", "--encoding=UTF8", "--locale-provider=builtin"]
    options += ["--builtin-locale=C.UTF-8", "--locale=C"]
    options += ["--auth-local=trust", "--auth-host=reject"]
    _run(setup, gate, ["initdb", f"--pgdata={unfinished}", *options])
    _run(
        setup,
        gate,
        ["postgres", "--single", "-D", str(unfinished), "-c", "exit_on_error=on", "postgres"],
        b"CREATE DATABASE registry\n",
    )
    unfinished.rename(setup.data)
    durable.flush_folder(setup.root)


def _fresh(
    command: list[str], environment: dict[str, str] | None, setup: ServerSetup | None
) -> list[str]:
    """Return a command line that runs `command` through `fresh`, as the account of `setup`."""
    account = setup.account if setup else None
    order = {
        "command": command,
        "environment": environment,
        "account": [account.uid, account.gid] if account else None,
    }
    return [sys.executable, "-I", "-S", fresh.__file__, json.dumps(order)]


def _run(setup: ServerSetup, gate: int, command: list[str], stdin: bytes = b"") -> None:
    program = [str(setup.binaries / command[0]), *command[1:]]
    done = subprocess.run(
        _fresh(program, _ENVIRONMENT, setup),
        input=stdin,
        capture_output=True,
        cwd="/",
        pass_fds=[gate],
        # Ctrl-C must reach this process only; it discards the unfinished data folder.
        start_new_session=True,
        check=False,
    )
    if done.returncode != 0:
        log = done.stderr.decode(errors="replace")
        raise failed(
            f"the embedded PostgreSQL could not be created: {command[0]}", setup, log, _ELSEWHERE
        )


def _start_keeper(setup: ServerSetup) -> None:
    """Start the keeper, which starts the server."""
    if setup.log.exists():
        setup.log.replace(setup.root / "log.1")
    server = [str(setup.binaries / "postgres"), "-D", str(setup.data)]
    for setting in (
        "listen_addresses=",
        "port=5432",
        f"unix_socket_directories={_quoted(setup.sockets)}",
        "cluster_name=optout-registry",
        "timezone=UTC",
        "log_timezone=UTC",
        f"max_wal_size={log_megabytes(shutil.disk_usage(setup.root).free)}MB",
    ):
        server += ["-c", setting]
    order = {
        **{name: str(setup.root / name) for name in ("gate", "users", "keeper", "log")},
        "command": server,
        "environment": _ENVIRONMENT,
        "account": [setup.account.uid, setup.account.gid] if setup.account else None,
        "shutdown_seconds": SHUTDOWN_SECONDS,
        "sockets": None if setup.sockets.parent == setup.root else str(setup.sockets),
    }
    os.truncate(setup.root / "keeper", 0)
    command = [sys.executable, "-I", "-S", keeper.__file__, json.dumps(order)]
    # The keeper writes to the server's log, which then has the reason if the keeper fails.
    with open(setup.log, "ab") as log:
        subprocess.run(
            _fresh(command, None, None),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            check=False,
        )


def _quoted(path: Path) -> str:
    """Quote one entry of a list setting: an unquoted comma or blank would end the entry."""
    return '"' + str(path).replace('"', '""') + '"'


def _stop_orphan(setup: ServerSetup) -> None:
    """Stop a server that has no keeper, and remove the lock files of one that has ended.

    If it listens, or its process exists and does not listen yet, only its keeper was
    killed: stop it. Otherwise its lock files are stale. PostgreSQL would take them for
    valid if another process has their process id now, or a zombie that nobody reaps (in a
    container), so they are removed. PostgreSQL's second guard against two servers on one
    folder, the shared memory, remains.
    """
    pid = None
    for number, seconds in zip(
        (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL), (*SHUTDOWN_SECONDS, 5.0), strict=True
    ):
        pid = _server_pid(setup) or pid
        if _is_gone(setup, pid):
            break
        _signal(pid, number)
        for _ in waits(seconds, f"the embedded PostgreSQL to stop (its log: {setup.log})"):
            if _is_gone(setup, pid):
                break
    else:
        if not _is_gone(setup, pid):
            raise DatabaseUnavailable(
                "the embedded PostgreSQL cannot be stopped",
                f"end process {pid}; its log is {setup.log}",
            )
    for stale in (setup.data / "postmaster.pid", setup.sockets / f"{SOCKET}.lock"):
        stale.unlink(missing_ok=True)


def _is_gone(setup: ServerSetup, pid: int | None) -> bool:
    """Return whether nothing listens, and the process does not run this server (any more)."""
    if answer(setup) != "absent":
        return False
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        # The process has ended, or the system has no /proc.
        return True
    return os.fsencode(setup.data) not in command.split(b"\0")


def _server_pid(setup: ServerSetup) -> int | None:
    """Return the process id that the server wrote, None if there is none."""
    try:
        first = (setup.data / "postmaster.pid").read_text().partition("\n")[0]
    except FileNotFoundError:
        return None
    return int(first) if first.isdigit() else None


def failed(what: str, setup: ServerSetup, log: str, hint: str) -> DatabaseUnavailable:
    """Return the error for a program that failed and wrote `log`; a full disk is named.

    On a full disk a program may be unable to write the reason: then the disk is examined.
    """
    why = reason(log)
    message = why.message
    if why.shortage == "space" or (not why.is_named and _is_full(setup.root)):
        message = f"the disk is full ({message})" if why.is_named else "the disk is full"
        hint = f"free space in {setup.root}"
    elif why.shortage == "size":
        hint = f"raise the limit on the size of files (ulimit -f, or a quota) in {setup.root}"
    return DatabaseUnavailable(f"{what}: {message}", hint)


def _is_full(folder: Path) -> bool:
    """Return whether the disk of a folder has too little free space to start a server."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize < LEAST_FREE or (disk.f_files > 0 and disk.f_favail == 0)
