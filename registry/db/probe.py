"""Finds out whether a PostgreSQL server on a Unix socket accepts connections."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Literal

Answer = Literal["ready", "busy", "absent"]

TIMEOUT_SECONDS = 2.0
PROTOCOL = 3 << 16
PARAMETERS = b"user\0postgres\0database\0registry\0\0"
TERMINATE = b"X\0\0\0\4"
# SQLSTATE cannot_connect_now: starting up, recovering from a crash, or shutting down.
NOT_NOW = b"C57P03\0"


def probe(path: Path) -> Answer:
    """Return the state of a server.

    `ready`: it accepts connections (though perhaps not this one). `busy`: a server starts,
    recovers or stops, or does not answer for 2 s. `absent`: nothing listens there.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(TIMEOUT_SECONDS)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return "absent"
        except (BlockingIOError, TimeoutError):
            return "busy"
        return _first_answer(client)


def _first_answer(client: socket.socket) -> Answer:
    try:
        client.sendall(struct.pack("!ii", 8 + len(PARAMETERS), PROTOCOL) + PARAMETERS)
        received = client.recv(4096)
        if received and NOT_NOW not in received:
            client.sendall(TERMINATE)
            return "ready"
    except OSError:
        # The connection broke, or no answer came in time: the server cannot be used now.
        return "busy"
    return "busy"
