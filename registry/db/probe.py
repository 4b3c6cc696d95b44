"""Asking a PostgreSQL on a Unix socket whether it takes connections now."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Literal

Answer = Literal["ready", "busy", "nobody"]

TIMEOUT_SECONDS = 2.0
PROTOCOL = 3 << 16
PARAMETERS = b"user\0postgres\0database\0registry\0\0"
TERMINATE = b"X\0\0\0\4"
# SQLSTATE cannot_connect_now: starting up, recovering from a crash, or shutting down.
NOT_NOW = b"C57P03\0"


def probe(path: Path) -> Answer:
    """Return what a server says to a connection.

    `ready`: it takes connections (though perhaps not this one). `busy`: there is one that
    starts, recovers, stops, or says nothing for 2 s. `nobody`: nothing listens there.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(TIMEOUT_SECONDS)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return "nobody"
        except (BlockingIOError, TimeoutError):
            return "busy"
        return _greeted(client)


def _greeted(client: socket.socket) -> Answer:
    try:
        client.sendall(struct.pack("!ii", 8 + len(PARAMETERS), PROTOCOL) + PARAMETERS)
        said = client.recv(4096)
        if said and NOT_NOW not in said:
            client.sendall(TERMINATE)
            return "ready"
    except OSError:
        # Cut off or left without an answer: it is not fit for use.
        return "busy"
    return "busy"
