"""Options that are the address of a server."""

from __future__ import annotations

from typing import Any

import click


class Address(click.ParamType[tuple[str, int]]):
    """A host and a port: 127.0.0.1:8077, [::1]:8077; with a `default_host` a port alone."""

    name = "address"

    def __init__(self, default_host: str | None = None) -> None:
        self._default_host = default_host

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Return the host, without brackets, and the port. Fails with a usage error."""
        if isinstance(value, tuple):
            return value
        host, colon, port = str(value).rpartition(":")
        if not colon and self._default_host:
            host = self._default_host
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        is_port = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535
        if not bare or not is_port or (":" in bare and bare == host):
            form = "[HOST:]PORT" if self._default_host else "HOST:PORT"
            self.fail(f"{value!r} is not {form}", param, ctx)
        return bare, int(port)


def url_of(host: str, port: int) -> str:
    """Return the URL of a server without a path."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
