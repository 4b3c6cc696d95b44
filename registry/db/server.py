"""Making, starting and ending the server of one place. Callers hold the place's gate."""

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
from registry.db.place import MAJOR, Place, make_folder
from registry.db.probe import Answer, probe
from registry.db.reasons import reason
from registry.db.waiting import waits
from registry.errors import DatabaseUnavailable

# A server that recovers from a crash replays its log before it answers.
START_SECONDS = 600.0
# After a fast and after an immediate shutdown; then the server is killed.
PATIENCE = (60.0, 10.0)
STOP_SECONDS = sum(PATIENCE) + 5
# Sessions of a server that was killed outlive it for a moment.
RETRY_SECONDS = 15.0
# Bytes; a starting server writes less.
LEAST_FREE = 64 << 10
SOCKET = ".s.PGSQL.5432"
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_ELSEWHERE = "name another folder in REGISTRY_HOME, or a server in REGISTRY_DATABASE_URL"
_OF_ANOTHER_SERVER = ("still in use", "already exists", "already in use")


def is_free(path: Path) -> bool:
    """Return whether nobody holds a lock on the file."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def is_kept(place: Place) -> bool:
    """Return whether a keeper lives, and so perhaps a server."""
    return not is_free(place.root / "keeper")


def answer(place: Place) -> Answer:
    """Return what the server of this place says to a connection."""
    return probe(place.sockets / SOCKET)


def comes_up(place: Place) -> bool:
    """Wait for a kept server to take connections; return False if it ends or takes too long."""
    for _ in waits(START_SECONDS, f"the embedded PostgreSQL to start (its log: {place.log})"):
        if not is_kept(place):
            return False
        if answer(place) == "ready":
            return True
    return False


def start(place: Place, gate: int) -> None:
    """Start a server where none runs, with new data where there are none.

    `gate` is the locked file: what is started to make the data keeps it locked
    even if this process is killed. Raises DatabaseUnavailable with the reason.
    """
    if not place.data.exists():
        _create(place, gate)
    found = (place.data / "PG_VERSION").read_text().strip()
    if found != str(MAJOR):
        raise DatabaseUnavailable(
            f"{place.data} was made by PostgreSQL {found}, the embedded one is {MAJOR}",
            "dump it with that version's pg_dump, move the folder away, run `registry init`, "
            "and load the dump",
        )
    said = _try(place)
    if said is not None and not is_kept(place) and not reason(said).is_said:
        # It named no fault: somebody killed it.
        said = _try(place)
    if said is None:
        return
    stop(place)
    raise failed("the embedded PostgreSQL did not start", place, said, f"see {place.log}")


def _try(place: Place) -> str | None:
    """Start a server. Return None once it takes connections, its log if it ends before."""
    for _ in waits(RETRY_SECONDS, "sessions of the embedded PostgreSQL that was killed"):
        _end_orphan(place)
        make_folder(place.sockets, 0o700, place.account)
        _launch(place)
        if comes_up(place):
            return None
        said = place.log.read_text(errors="replace")
        if is_kept(place) or not any(words in said for words in _OF_ANOTHER_SERVER):
            break
    return said


def stop(place: Place) -> None:
    """End server and keeper, whatever they are at; return once both are gone.

    Raises DatabaseUnavailable for a server that survives SIGKILL.
    """
    asked = None
    for _ in waits(STOP_SECONDS, f"the embedded PostgreSQL to stop (its log: {place.log})"):
        if not is_kept(place):
            break
        pid = _keeper_pid(place)
        if pid != asked:
            _signal(pid, signal.SIGTERM)
            asked = pid
    else:
        # It does not do its part, so its server is ended without it.
        _signal(_keeper_pid(place), signal.SIGKILL)
    _end_orphan(place)


def _keeper_pid(place: Place) -> int | None:
    """Return the keeper's process id, None in the moment before it has written it."""
    text = (place.root / "keeper").read_text()
    return int(text) if text.endswith("\n") else None


def _signal(pid: int | None, number: signal.Signals) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _create(place: Place, gate: int) -> None:
    """Make the data folder with an empty database `registry`; all of it or nothing."""
    unfinished = place.root / "data.unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    make_folder(unfinished, 0o700, place.account)
    options = ["--username=postgres", "--encoding=UTF8", "--locale-provider=builtin"]
    options += ["--builtin-locale=C.UTF-8", "--locale=C"]
    options += ["--auth-local=trust", "--auth-host=reject"]
    _run(place, gate, ["initdb", f"--pgdata={unfinished}", *options])
    _run(
        place,
        gate,
        ["postgres", "--single", "-D", str(unfinished), "-c", "exit_on_error=on", "postgres"],
        b"CREATE DATABASE registry\n",
    )
    unfinished.rename(place.data)
    durable.flush_folder(place.root)


def _fresh(
    command: list[str], environment: dict[str, str] | None, place: Place | None
) -> list[str]:
    """Return the command that runs `command` without what it would inherit, as the account."""
    account = place.account if place else None
    order = {
        "command": command,
        "environment": environment,
        "account": [account.uid, account.gid] if account else None,
    }
    return [sys.executable, "-I", "-S", fresh.__file__, json.dumps(order)]


def _run(place: Place, gate: int, command: list[str], stdin: bytes = b"") -> None:
    program = [str(place.binaries / command[0]), *command[1:]]
    done = subprocess.run(
        _fresh(program, _ENVIRONMENT, place),
        input=stdin,
        capture_output=True,
        cwd="/",
        pass_fds=[gate],
        # Ctrl-C while it runs is ours to handle; half a data folder is discarded.
        start_new_session=True,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace")
        raise failed(
            f"the embedded PostgreSQL could not be created: {command[0]}", place, said, _ELSEWHERE
        )


def _launch(place: Place) -> None:
    """Start the keeper, which starts the server."""
    if place.log.exists():
        place.log.replace(place.root / "log.1")
    server = [str(place.binaries / "postgres"), "-D", str(place.data)]
    for setting in (
        "listen_addresses=",
        "port=5432",
        f"unix_socket_directories={_quoted(place.sockets)}",
        "cluster_name=optout-registry",
        "timezone=UTC",
        "log_timezone=UTC",
    ):
        server += ["-c", setting]
    order = {
        **{name: str(place.root / name) for name in ("gate", "users", "keeper", "log")},
        "command": server,
        "environment": _ENVIRONMENT,
        "account": [place.account.uid, place.account.gid] if place.account else None,
        "patience": PATIENCE,
        "sockets": None if place.sockets.parent == place.root else str(place.sockets),
    }
    os.truncate(place.root / "keeper", 0)
    kept = [sys.executable, "-I", "-S", keeper.__file__, json.dumps(order)]
    # Without the place's own log the reason of a failed start would be lost.
    with open(place.log, "ab") as log:
        subprocess.run(
            _fresh(kept, None, None),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            check=False,
        )


def _quoted(path: Path) -> str:
    """Quote one entry of a list setting: a comma or blank in it would end the entry."""
    return '"' + str(path).replace('"', '""') + '"'


def _end_orphan(place: Place) -> None:
    """Clear away a server that has no keeper, or what is left of one.

    Where it still listens, or its process is there and does not listen yet, only its
    keeper was killed: end it. Else its lock files are stale, but PostgreSQL would take them
    for good if their process id lives on as another process or as a zombie that nobody
    reaps (in a container), so they are removed. Its second guard against two
    servers on one folder, the shared memory, still stands.
    """
    pid = None
    for number, seconds in zip(
        (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL), (*PATIENCE, 5.0), strict=True
    ):
        pid = _server_pid(place) or pid
        if _is_gone(place, pid):
            break
        _signal(pid, number)
        for _ in waits(seconds, f"the embedded PostgreSQL to stop (its log: {place.log})"):
            if _is_gone(place, pid):
                break
    else:
        if not _is_gone(place, pid):
            raise DatabaseUnavailable(
                "the embedded PostgreSQL cannot be ended",
                f"end process {pid}; its log is {place.log}",
            )
    for stale in (place.data / "postmaster.pid", place.sockets / f"{SOCKET}.lock"):
        stale.unlink(missing_ok=True)


def _is_gone(place: Place, pid: int | None) -> bool:
    """Return whether nothing listens, and the process is no server of this place (any more)."""
    if answer(place) != "nobody":
        return False
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        # It has ended, or this is no Linux.
        return True
    return os.fsencode(place.data) not in command.split(b"\0")


def _server_pid(place: Place) -> int | None:
    """Return the process id that the server wrote, None where there is none."""
    try:
        first = (place.data / "postmaster.pid").read_text().partition("\n")[0]
    except FileNotFoundError:
        return None
    return int(first) if first.isdigit() else None


def failed(what: str, place: Place, said: str, hint: str) -> DatabaseUnavailable:
    """Return the error for a program that failed and wrote `said`; a full disk is named.

    On a full disk a program may not even be able to say so: then the disk is asked.
    """
    why = reason(said)
    message = why.message
    if why.lack == "space" or (not why.is_said and _is_full(place.root)):
        message = f"the disk is full ({message})" if why.is_said else "the disk is full"
        hint = f"free space in {place.root}"
    elif why.lack == "size":
        hint = f"lift the limit on the size of files (ulimit -f, or a quota) in {place.root}"
    return DatabaseUnavailable(f"{what}: {message}", hint)


def _is_full(folder: Path) -> bool:
    """Return whether so little is free on the disk of a folder that no server can start."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize < LEAST_FREE or (disk.f_files > 0 and disk.f_favail == 0)
