"""What a visit counts for metrics, and what a worker sums up."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.manners.refusals import HostStopped, Refused
from crawler.report.traffic import REQUEST_CLASSES, traffic
from crawler.worker.totals import DURATIONS, ENDS, Totals
from registry.db.visits import State

STATUS = "downloader/response_status_count/"
FAILURE = "downloader/exception_type_count/"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, "2xx"),
        (206, "2xx"),
        (301, "3xx"),
        (304, "not_modified"),
        (404, "4xx"),
        (429, "4xx"),
        (503, "5xx"),
        (999, "other"),
        (102, "other"),
        (20, "other"),
        (2000, "other"),
    ],
)
def test_a_response_is_counted_by_its_status(status: int, expected: str) -> None:
    assert +traffic({f"{STATUS}{status}": 3}) == {f"requests.{expected}": 3}


def test_requests_without_a_response() -> None:
    names = [f"{error.__module__}.{error.__qualname__}" for error in (Refused, HostStopped)]
    stats = {f"{FAILURE}{name}": 2 for name in names}
    stats[f"{FAILURE}scrapy.exceptions.DownloadTimeoutError"] = 5
    assert +traffic(stats) == {"requests.refused": 4, "requests.failed": 5}


def test_bytes_and_pictures() -> None:
    stats = {"downloader/response_bytes": 1000, "pictures/hashed": 2, "start_time": "now"}
    assert +traffic(stats) == {"received_bytes": 1000, "pictures_hashed": 2}


@given(st.dictionaries(st.integers(0, 99_999), st.integers(1, 9)))
def test_classes_are_few(statuses: dict[int, int]) -> None:
    counts = traffic({f"{STATUS}{status}": number for status, number in statuses.items()})
    requests = {name: n for name, n in counts.items() if name.startswith("requests.")}
    assert requests.keys() <= {f"requests.{name}" for name in REQUEST_CLASSES}
    assert sum(requests.values()) == sum(statuses.values())


def test_the_ends_are_those_of_visits() -> None:
    assert {*get_args(State), "given_back", "lost"} == set(ENDS)


def test_counts_add_up() -> None:
    totals = Totals()
    totals.add({"pages": 2, "requests.2xx": 3})
    totals.add({"pages": 1, "events.mark-appeared": 1})
    totals.add({})
    assert totals.counts == {"pages": 3, "requests.2xx": 3, "events.mark-appeared": 1}


def test_ends_and_durations() -> None:
    totals = Totals()
    for seconds in (0.0, 10.0, 10.1, 14_400.5):
        totals.end("finished", "due", seconds)
    totals.end("failed", "full")
    assert totals.visits == {("finished", "due"): 4, ("failed", "full"): 1}
    assert totals.durations == {10.0: 2, 30.0: 1, float("inf"): 1}
    assert totals.seconds == pytest.approx(14_420.6)
    assert list(DURATIONS) == sorted(DURATIONS)
