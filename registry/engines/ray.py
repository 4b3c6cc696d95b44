"""Ray: a unit is a task of one CPU, which reads its rows and checks them.

There are no readers besides these tasks, as there are in pipelines of Ray Data, so none can wait
for a CPU that its own consumer holds. `address` is as for `ray.init`: HOST:PORT of the head
node, `auto`, or `ray://HOST:PORT`.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from registry.engines import refuse_silent
from registry.errors import EngineUnavailable

if TYPE_CHECKING:
    from registry.checking.placing import Send, UnitResult, Work
    from registry.datasets.units import Unit

# How often a unit is checked again when its process or its node has ended.
RETRIES = 5


def connect(address: str | None) -> RayEngine:
    """Connect to a Ray cluster, or use the one to which this program is connected."""
    import ray

    owns = not ray.is_initialized()
    if owns:
        if address:
            refuse_silent("Ray", address.removeprefix("ray://"))
        try:
            ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise EngineUnavailable(
                f"Ray cannot be used: {str(error).strip().splitlines()[0]}",
                "start it (ray start --head), or name another --address",
            ) from error
    return RayEngine(owns)


class RayEngine:
    """A cluster to which this program is connected."""

    name = "Ray"

    def __init__(self, owns: bool) -> None:
        """With `owns`, the connection is closed at the end."""
        import ray

        self._ray: Any = ray
        self._owns = owns
        self.errors: tuple[type[Exception], ...] = (ray.exceptions.RayError,)

    def slots(self) -> int:
        """Return the number of CPUs."""
        return int(self._ray.cluster_resources().get("CPU", 1))

    def sender(self, work: Work, data: bytes) -> Send:
        """Return a function that has `work(data, unit)` called for a unit, as a task."""
        task = self._ray.remote(num_cpus=1, max_retries=RETRIES)(work)
        shared = self._ray.put(data)

        def send(unit: Unit) -> Future[UnitResult]:
            future: Future[UnitResult] = task.remote(shared, unit).future()
            return future

        return send

    def close(self) -> None:
        """Leave the cluster, which ends the tasks that are not done."""
        if self._owns:
            self._ray.shutdown()
