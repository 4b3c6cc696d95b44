"""The metrics of a worker, for Prometheus: its own counts, and numbers of the database.

Labels have few values, all known in advance: no host or URL is one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any, get_args

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from crawler.report.traffic import REQUEST_CLASSES
from crawler.worker.totals import DURATIONS, ENDS, Totals
from registry.db.event_rows import EVENT_KINDS
from registry.db.known_rows import Extent
from registry.db.session import Session
from registry.db.status import Numbers, numbers
from registry.errors import RegistryError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

    from crawler.worker.work import Worker

# Seconds for which numbers of the database are kept, and for which a scrape waits for them.
KEPT = 10.0
PATIENCE = 3.0
PATH = "/metrics"

# Of the processes of this worker: the name of a count, and what it is.
_COUNTED = {
    "received_bytes": "Bytes received: headers and bodies as they were sent.",
    "pages": "Pages read, unchanged ones among them.",
    "observations": "Observations of images.",
    "pictures_hashed": "Image files that were fingerprinted.",
}
# Of the database, the same for all workers: the metric, the name of the number, what it is.
_NUMBERS = (
    (
        "optout_schedule_behind_seconds",
        "behind",
        "Time since the first site is due that is not being visited.",
    ),
    ("optout_schedules_due", "due", "Sites that are due and are not being visited."),
    ("optout_schedules", "schedules", "Scheduled sites."),
    ("optout_schedules_paused", "paused", "Scheduled sites that are paused."),
    ("optout_sites_suspect", "suspect", "Sites whose last visit found too little."),
    ("optout_database_visits_in_progress", "visits", "Visits in progress, over all workers."),
    ("optout_workers_alive", "workers", "Workers with a sign of life in the last minute."),
)


class Latest:
    """The numbers of the database, asked for by a thread of its own at most every KEPT seconds."""

    def __init__(self, ask: Callable[[], Numbers], clock: Callable[[], float] = monotonic) -> None:
        """Prepare; `ask` raises a RegistryError if there is no database."""
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked_at = 0.0
        self._numbers: Numbers | None = None

    def numbers(self) -> Numbers | None:
        """Return them; None if the database does not give them within PATIENCE seconds."""
        with self._lock:
            asking = self._asking()
        asking.join(PATIENCE)
        return None if asking.is_alive() else self._numbers

    def _asking(self) -> threading.Thread:
        """Return the thread that asks or has asked; start another one if it is time."""
        thread, now = self._thread, self._clock()
        if thread is None or (not thread.is_alive() and now - self._asked_at >= KEPT):
            # One that hangs must not delay the end of the process.
            thread = threading.Thread(target=self._renew, name="numbers", daemon=True)
            self._thread, self._asked_at = thread, now
            thread.start()
        return thread

    def _renew(self) -> None:
        self._numbers = None
        try:
            self._numbers = self._ask()
        except RegistryError:
            return


class WorkerCollector:
    """Makes the metrics at each scrape."""

    def __init__(self, worker: Worker, latest: Latest) -> None:
        """Prepare; nothing is asked."""
        self._worker = worker
        self._latest = latest

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield from _of_totals(self._worker.totals)
        now = (
            ("optout_visits_in_progress", self._worker.aboard, "Visits of this worker."),
            ("optout_child_processes", self._worker.children, "Processes that make its visits."),
        )
        for name, value, text in now:
            yield GaugeMetricFamily(name, text, value)
        found = self._latest.numbers()
        text = "1 if the database has answered, 0 if it is away."
        yield GaugeMetricFamily("optout_database_up", text, float(found is not None))
        if found is not None:
            for name, number, text in _NUMBERS:
                yield GaugeMetricFamily(name, text, getattr(found, number))


def application(worker: Worker, latest: Latest | None = None) -> WSGIApplication:
    """Return the WSGI application that serves the metrics of a worker at PATH."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(WorkerCollector(worker, latest or Latest(asked_of(Session()))))
    metrics = make_wsgi_app(registry)

    def serve(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != PATH:
            start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
            return [f"the metrics are at {PATH}\n".encode()]
        page: Iterable[bytes] = metrics(environ, start_response)
        return page

    return serve


def asked_of(session: Session) -> Callable[[], Numbers]:
    """Return a function that asks for the numbers of the database in this session."""

    def ask() -> Numbers:
        with session.connection() as conn:
            return numbers(conn)

    return ask


def _of_totals(totals: Totals) -> Iterator[Metric]:
    # Copies: another thread counts on.
    visits, counts = dict(totals.visits), dict(totals.counts)
    ended = CounterMetricFamily(
        "optout_visits", "Visits that ended, or go on elsewhere.", labels=["state", "extent"]
    )
    for state in ENDS:
        for extent in get_args(Extent):
            ended.add_metric([state, extent], visits.get((state, extent), 0))
    yield ended
    yield _labelled(counts, "requests", "class", REQUEST_CLASSES, "Requests by their response.")
    yield _labelled(counts, "events", "kind", EVENT_KINDS, "Events of the visits that ended.")
    for name, text in _COUNTED.items():
        yield CounterMetricFamily(f"optout_{name}", text, counts.get(name, 0))
    text = "Processes that ended with visits in progress, or were killed."
    yield CounterMetricFamily("optout_child_crashes", text, totals.crashes)
    yield _durations(totals)


def _labelled(
    counts: dict[str, int], name: str, label: str, values: Iterable[str], text: str
) -> Metric:
    family = CounterMetricFamily(f"optout_{name}", text, labels=[label])
    for value in values:
        family.add_metric([value], counts.get(f"{name}.{value}", 0))
    return family


def _durations(totals: Totals) -> Metric:
    durations, seconds = dict(totals.durations), totals.seconds
    buckets, number = [], 0
    for bound in (*DURATIONS, float("inf")):
        number += durations.get(bound, 0)
        buckets.append(("+Inf" if bound == float("inf") else str(bound), float(number)))
    text = "Durations of visits, the part in this worker."
    return HistogramMetricFamily("optout_visit_duration_seconds", text, buckets, seconds)
