"""Engines that place the units of a check on the machines of a cluster, one file each.

The file name is the engine's name. It exports `connect(address) -> Engine`, with the errors of
`registry.errors` where its package is not installed or its cluster is not there. An engine only
places work: what is done is `registry.checking.jobs`, and the packages of engines are imported when
one is connected.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from registry.errors import EngineUnavailable, UsageError, part_missing
from registry.plugins import discover

if TYPE_CHECKING:
    from registry.checking.placing import Engine

# Seconds after which a cluster that does not answer counts as not there.
_PATIENCE = 5


def connect(name: str, address: str | None = None) -> Engine:
    """Connect to an engine's cluster; None: the one that its own settings name, or a local one.

    Raises EngineUnavailable if it is not there or its package is not installed, and UsageError
    for the name of no engine.
    """
    engines = discover("registry.engines", ("connect",))
    if name not in engines:
        raise UsageError(f"{name} is no engine", "engines: " + ", ".join(engines))
    try:
        engine: Engine = engines[name].connect(address)
    except ImportError as error:
        if missing := part_missing(error):
            raise EngineUnavailable(missing.message, missing.hint) from error
        raise
    return engine


def refuse_silent(name: str, address: str) -> None:
    """Raise EngineUnavailable if nothing listens at HOST:PORT; any other address is left alone.

    The packages of engines themselves try for a minute or more.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise EngineUnavailable(
            f"there is no {name} at {address}: {why}", "start it, or name another --address"
        ) from error
