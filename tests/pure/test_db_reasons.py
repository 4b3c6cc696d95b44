"""Why a server did not start is the message of its last error, not the last line of its log."""

import pytest

from registry.db.reasons import Reason, panic, reason

NO_SPACE = 'could not write to file "pg_wal/xlogtemp.32": No space left on device'
BLOCKS = 'could not write blocks 15..15 in file "base/12784/2609": No space left on device'
SHORT = 'could not extend file "base/12784/3080": wrote only 4096 of 8192 bytes at block 1'
STAMP = "2026-11-26 20:50:24.909 UTC [32404] "


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", Reason("no reason given", None, False)),
        (f"{STAMP}LOG:  starting\n", Reason(f"{STAMP}LOG:  starting", None, False)),
        ('FATAL:  role "x" does not exist\n', Reason('role "x" does not exist', None, True)),
        (
            f"{STAMP}FATAL:  {NO_SPACE}\nchild process exited with exit code 1\n"
            'initdb: removing contents of data directory "/h/x/data.unfinished"\n',
            Reason(NO_SPACE, "space", True),
        ),
        (
            f"{STAMP}PANIC:  {NO_SPACE}\n{STAMP}LOG:  startup process was terminated\n"
            f"{STAMP}LOG:  database system is shut down\n",
            Reason(NO_SPACE, "space", True),
        ),
        (
            f'{STAMP}FATAL:  {BLOCKS}\n{STAMP}CONTEXT:  writing block 15 of relation "base/1"\n',
            Reason(BLOCKS, "space", True),
        ),
        (
            f"{STAMP}ERROR:  {NO_SPACE}\n{STAMP}HINT:  Check free disk space.\n"
            f"{STAMP}PANIC:  cannot abort transaction 1, it was already committed\nAborted\n",
            Reason(NO_SPACE, "space", True),
        ),
        (
            f"{STAMP}FATAL:  {SHORT}\n{STAMP}HINT:  Check free disk space.\n",
            Reason(SHORT, "space", True),
        ),
        (
            f'{STAMP}PANIC:  could not write to file "pg_wal/xlogtemp.9": File too large\n',
            Reason('could not write to file "pg_wal/xlogtemp.9": File too large', "size", True),
        ),
        (
            'initdb: error: could not create directory "/h/x": Permission denied\n',
            Reason('could not create directory "/h/x": Permission denied', None, True),
        ),
        (
            f"{STAMP}LOG:  starting\n{STAMP}FATAL:  the database system is starting up\n",
            Reason(f"{STAMP}LOG:  starting", None, False),
        ),
        (
            f"{STAMP}FATAL:  data directory has wrong ownership\n"
            f"{STAMP}FATAL:  the database system is starting up\n",
            Reason("data directory has wrong ownership", None, True),
        ),
    ],
)
def test_reason(said: str, why: Reason) -> None:
    assert reason(said) == why


def test_a_panic_is_the_reason_why_all_sessions_ended() -> None:
    log = """LOG:  database system is ready to accept connections
ERROR:  could not extend file "base/5/1": No space left on device
PANIC:  could not write to file "pg_wal/xlogtemp.7": No space left on device
FATAL:  the database system is in recovery mode
"""
    message = 'could not write to file "pg_wal/xlogtemp.7": No space left on device'
    assert panic(log) == Reason(message, "space", True)
    assert panic(log.replace("PANIC", "ERROR")) is None
