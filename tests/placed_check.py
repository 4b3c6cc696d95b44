"""Checks of a small dataset on a cluster, in a process of their own, with a worker killed.

The first one is the command, the second the library in a program that is connected already.
Their results are `command.parquet`, `command.json` and `library.parquet` beside the dataset.
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import killing
import pyarrow as pa
import pyarrow.parquet as pq

import registry
from registry.checking import placing
from registry.cli import main
from registry.datasets import units
from registry.datasets.formats import parquet

ROWS = 2000
DONE = "both are done"
# The sizes of units and batches.
SMALL = ((units, "UNIT_ROWS"), (parquet, "BATCH_ROWS"))
TESTS = Path(__file__).parent


def dataset(folder):
    """Write files of several row groups: six units of the sizes in `SMALL`."""
    (folder / "data").mkdir()
    for part in range(2):
        urls = [
            f"https://{'art' if n % 7 == 0 else f'free{n}'}.example/{n}.jpg"
            for n in range(part, ROWS, 2)
        ]
        pq.write_table(pa.table({"url": urls}), folder / f"data/{part}.parquet", row_group_size=50)
    return folder / "data"


def environment():
    """Return the environment of processes that find this module, on either side."""
    # By this setting Ray stays on loopback.
    ray = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    return {**os.environ, **ray, "PYTHONPATH": str(TESTS)}


def hold_same(engine, address, kill, snapshot, folder, monkeypatch):
    """Assert that checks with a worker killed have the results of one that is made here."""
    data = dataset(folder)
    for module, name in SMALL:
        monkeypatch.setattr(module, name, 400)
    here = registry.check(data, snapshot, out=folder / "here.parquet").to_json()
    _run(engine, address, data, snapshot, kill)
    whole = (folder / "here.parquet").read_bytes()
    assert (folder / "command.parquet").read_bytes() == whole
    assert (folder / "library.parquet").read_bytes() == whole
    there = json.loads((folder / "command.json").read_text())
    when = {"seconds": 0, "checked_at": ""}
    assert {**there, **when} == json.loads(json.dumps({**here, **when}))


def _run(engine, address, data, snapshot, kill):
    """Make both checks in another process."""
    words = [engine, address, str(data), str(snapshot.path), kill]
    command = [sys.executable, __file__, *words]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, check=False, timeout=200
    )
    # The exit code is that of the command: some rows are reserved.
    assert done.returncode == 1, done.stderr[-3000:]
    assert DONE in done.stdout, done.stderr[-3000:]


def _connected(engine, address):
    if engine == "ray":
        import ray

        ray.init(address, log_to_driver=False)
        return ray.is_initialized
    from pyspark import SparkConf, SparkContext

    # Executors of another application would take long to start.
    conf = SparkConf().setMaster("local[1,4]").set("spark.ui.enabled", "false")
    context = SparkContext(conf=conf)
    return lambda: context._jsc is not None


def _checked(engine, address, data, snapshot, kill):
    for module, name in SMALL:
        setattr(module, name, 400)
    placing.check_unit = getattr(killing, kill)
    out = data.parent
    named = ["check", str(data), "--snapshot", snapshot, "--engine", engine, "--address", address]
    sys.argv[1:] = [*named, "--out", str(out / "command.parquet"), "--json"]
    with (
        (out / "command.json").open("w") as file,
        contextlib.redirect_stdout(file),
        contextlib.suppress(SystemExit),
    ):
        main()
    killing.marker(data).unlink()
    placing.check_unit = killing.kill_process
    is_connected = _connected(engine, address)
    opened = registry.open_snapshot(snapshot)
    registry.check(data, opened, out=out / "library.parquet", engine=engine)
    assert killing.marker(data).exists()
    assert is_connected()
    print(DONE, end="", flush=True)


if __name__ == "__main__":
    _checked(*sys.argv[1:3], Path(sys.argv[3]), *sys.argv[4:6])
