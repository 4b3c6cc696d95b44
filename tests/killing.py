"""Work of engines that is killed in the middle, once: `check_unit` of a job, in processes anywhere.

The file `killed` beside the dataset is there when it has happened.
"""

import os
import pickle
import signal
from pathlib import Path

from registry.checking.jobs import Job, check_unit


def kill_process(data, unit):
    """Check a unit; the second one of a dataset kills its process."""
    if _is_time(data, unit):
        os.kill(os.getpid(), signal.SIGKILL)
    return check_unit(data, unit)


def kill_executor(data, unit):
    """Check a unit; the second one of a dataset kills the Spark executor that it runs in."""
    if _is_time(data, unit):
        import psutil

        executors = [
            one
            for one in psutil.Process().parents()
            if any("CoarseGrainedExecutorBackend" in word for word in one.cmdline())
        ]
        executors[0].kill()
    return check_unit(data, unit)


def marker(dataset: Path) -> Path:
    return dataset.parent / "killed"


def _is_time(data, unit) -> bool:
    job: Job = pickle.loads(data)
    if (unit[0].table, unit[0].first) == (0, 0):
        return False
    try:
        marker(Path(job.names[0])).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
