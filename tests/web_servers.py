"""Real web servers for tests, each a process of its own, on loopback, with its files in a folder.

Root runs them as `nobody`, as MariaDB, PHP and nginx ask for; anybody else as themselves.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
# Where Debian has the programs of servers, which users do not have in PATH.
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
  include /etc/nginx/mime.types; default_type application/octet-stream;
  log_format asked '$status $bytes_sent $request_method $request_uri';
  access_log {folder}/access.log asked;
  client_body_temp_path {folder}/nginx-body; proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi; uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  server {{ listen {host}:{port}; {site} }}
}}
"""


def program(name: str) -> str | None:
    """Return the path of an installed program, None if there is none."""
    return shutil.which(name, path=_PATH)


def missing(names: Iterable[str]) -> list[str]:
    """Return those of the programs, or files, that are not installed."""
    return [n for n in names if not (Path(n).exists() if n.startswith("/") else program(n))]


def account() -> dict[str, Any]:
    """Return the arguments of `subprocess` by which a program runs as the servers' account."""
    if os.geteuid() != 0:
        return {"cwd": "/"}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}


def hand_over(folder: Path) -> None:
    """Give a folder, and all that is in it, to the account of the servers."""
    who = account()
    if "user" in who:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, who["user"], who["group"], follow_symlinks=False)


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: list[str],
    log: Path,
    is_ready: Callable[[], bool],
    environment: dict[str, str] | None = None,
) -> Iterator[None]:
    """Run a server until the end of the block; raises if it is not ready within a minute."""
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            **account(),
        )
    try:
        until = time.monotonic() + 60
        while not is_ready():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{command[0]}: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def accepts(address: tuple[str, int] | str) -> bool:
    """Return whether a server accepts connections at a host and port, or at a socket's path."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


@contextmanager
def nginx(folder: Path, site: str) -> Iterator[str]:
    """Serve a site, given as the inside of a `server` block; yield its URL without a slash."""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, host=HOST, port=port, site=site))
    log = folder / "nginx.log"
    command = [str(program("nginx")), "-e", "stderr", "-c", str(config)]
    with running(command, log, lambda: accepts((HOST, port))):
        yield f"http://{HOST}:{port}"
