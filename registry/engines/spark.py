"""Apache Spark: a unit is a job of one task, so that each result comes as soon as it is there.

`address` is a master: `spark://HOST:PORT`, `local[N]`, `yarn`, `k8s://...`. The workers need this
package and Python at the path of this one, unless PYSPARK_PYTHON names another.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from registry.engines import refuse_silent
from registry.errors import EngineUnavailable

if TYPE_CHECKING:
    from registry.checking.placing import Send, UnitResult, Work
    from registry.datasets.units import Unit

# A thread waits for each job.
MOST_JOBS = 256
_GROUP = "optout-registry"
_MASTER = "spark://"
_QUIET = {
    "spark.app.name": _GROUP,
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def connect(address: str | None) -> SparkEngine:
    """Connect to a Spark cluster, or use the one to which this program is connected."""
    import pyspark
    from pyspark.errors import PySparkException

    running = pyspark.SparkContext._active_spark_context
    if running is not None:
        return SparkEngine(running, owns=False)
    if address and address.startswith(_MASTER):
        # Several masters may stand by for each other.
        refuse_silent("Spark", address.removeprefix(_MASTER).partition(",")[0])
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf = pyspark.SparkConf()
    for key, value in _QUIET.items():
        conf.setIfMissing(key, value)
    if address:
        conf.setMaster(address)
    try:
        context = pyspark.SparkContext(conf=conf)
    except (PySparkException, *_java_errors()) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise EngineUnavailable(
            f"Spark cannot be used: {lines[-1] if lines else type(error).__name__}",
            "it needs Java 17 or newer and a master that answers",
        ) from error
    context.setLogLevel("ERROR")
    return SparkEngine(context, owns=True)


class SparkEngine:
    """A cluster to which this program is connected."""

    name = "Spark"

    def __init__(self, context: Any, *, owns: bool) -> None:
        """With `owns`, the connection is closed at the end."""
        from pyspark.errors import PySparkException

        self._context, self._owns = context, owns
        self._threads = ThreadPoolExecutor(MOST_JOBS)
        self.errors: tuple[type[Exception], ...] = (PySparkException, *_java_errors())

    def slots(self) -> int:
        """Return the number of cores of the workers that are there now."""
        return int(self._context.defaultParallelism)

    def sender(self, work: Work, data: bytes) -> Send:
        """Return a function that has `work(data, unit)` called for a unit, as a job."""
        shared = self._context.broadcast(data)

        def collected(unit: Unit) -> UnitResult:
            self._context.setJobGroup(_GROUP, "check", interruptOnCancel=True)
            rows = self._context.parallelize([unit], 1)
            result: UnitResult = rows.map(lambda one: work(shared.value, one)).collect()[0]
            return result

        def send(unit: Unit) -> Future[UnitResult]:
            return self._threads.submit(collected, unit)

        return send

    def close(self) -> None:
        """Cancel the jobs that are not done, and leave the cluster."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._context.cancelJobGroup(_GROUP)
        if self._owns:
            self._context.stop()
        self._threads.shutdown()


def _java_errors() -> tuple[type[Exception], ...]:
    from py4j.protocol import Py4JError

    return (Py4JError,)
