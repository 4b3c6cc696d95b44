"""`registry check --engine spark` on a master with two workers, of which an executor is killed."""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import placed_check
import pytest
from checking import check, said_in_one_line

_MISSING = [
    name
    for name, is_there in {
        "the package pyspark": importlib.util.find_spec("pyspark"),
        "Java": shutil.which("java") or os.environ.get("JAVA_HOME"),
    }.items()
    if not is_there
]
pytestmark = pytest.mark.skipif(bool(_MISSING), reason=f"{' and '.join(_MISSING)}: not installed")
# Small and quick to start.
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
CONF = f"""
spark.driver.memory 512m
spark.executor.memory 512m
spark.driver.extraJavaOptions {JAVA}
spark.executor.extraJavaOptions {JAVA}
spark.log.level ERROR
"""
PATIENCE = 60


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    """Start a master and two workers of one core each, and end them."""
    folder = tmp_path_factory.mktemp("spark")
    (folder / "spark-defaults.conf").write_text(CONF)
    settings = {
        "SPARK_CONF_DIR": str(folder),
        "SPARK_HOME": str(Path(importlib.util.find_spec("pyspark").origin).parent),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_WORKER_DIR": str(folder / "work"),
        "SPARK_DAEMON_MEMORY": "128m",
        "SPARK_DAEMON_JAVA_OPTS": JAVA,
    }
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as running:
        for name, value in settings.items():
            patch.setenv(name, value)
        port = _free_port()
        url, log = f"spark://127.0.0.1:{port}", folder / "master.log"
        running.enter_context(_daemon("master.Master", log, "--port", port))
        for number in range(2):
            size = ("-c", 1, "-m", "600m", url)
            running.enter_context(_daemon("worker.Worker", folder / f"{number}.log", *size))
        _wait_for(lambda: log.read_text().count("INFO Master: Registering worker") == 2)
        yield url


@contextlib.contextmanager
def _daemon(name, log, *arguments):
    # The script replaces itself with Java.
    command = [Path(sys.executable).parent / "spark-class", f"org.apache.spark.deploy.{name}"]
    words = ["--host", "127.0.0.1", "--webui-port", 0, *arguments]
    with log.open("w") as file:
        process = subprocess.Popen(
            [str(word) for word in [*command, *words]],
            stdout=file,
            stderr=file,
            env=placed_check.environment(),
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _wait_for(is_so):
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "Spark does not start"
        time.sleep(0.1)


def test_a_killed_executor_changes_nothing(master, art_snapshot, tmp_path, monkeypatch):
    placed_check.hold_same("spark", master, "kill_executor", art_snapshot, tmp_path, monkeypatch)


def test_a_master_that_is_not_there_is_said_in_one_line(art_snapshot, tmp_path):
    data = placed_check.dataset(tmp_path)
    address = "spark://127.0.0.1:1"
    result = check(data, "--engine", "spark", "--master", address, snapshot=art_snapshot.path)
    said_in_one_line(result, 4, "there is no Spark at 127.0.0.1:1", "start it")
