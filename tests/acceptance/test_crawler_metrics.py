"""`crawler worker --metrics`: what Prometheus is told while a worker works."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from crawling import Run, rows
from prometheus_client.parser import text_string_to_metric_families as families
from test_crawler_worker import Start, due, start, wait_for

from demo.server import SampleSite

__all__ = ["due", "start"]
Metrics = dict[tuple[str, ...], float]


def scraped(url: str) -> Metrics:
    """Return the samples by their names and the values of their labels, in order of the labels."""
    with urlopen(url, timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = answer.read().decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families(text)
        for sample in family.samples
    }


def url_of(worker: subprocess.Popen[str]) -> str:
    """Return the URL of a worker's metrics, which it says first."""
    assert worker.stderr is not None
    line = worker.stderr.readline()
    found = re.search(r"metrics are at (http://127\.0\.0\.1:\d+/metrics)$", line)
    assert found, line
    return found[1]


@pytest.fixture
def working(due: Run, start: Start, site: SampleSite) -> tuple[str, Callable[[], None]]:
    """A worker that visits the sample site, and how to stop it."""
    # Longer than the time from one sign of life to the next.
    site.delay = 0.1
    due(site.url + "/")
    worker = start("--metrics", 0)

    def stop() -> None:
        worker.send_signal(signal.SIGTERM)
        _, log = worker.communicate(timeout=60)
        assert worker.returncode == 0, log
        assert "Traceback" not in log

    return url_of(worker), stop


def test_a_visit_is_counted_while_it_runs_and_when_it_has_ended(
    working: tuple[str, Callable[[], None]], site: SampleSite, database_url: str
) -> None:
    url, stop = working
    wait_for(lambda: scraped(url)["optout_requests_total", "2xx"] > 0)
    seen = scraped(url)
    assert seen["optout_visits_in_progress",] == 1
    assert seen["optout_child_processes",] == 1
    assert seen["optout_database_up",] == 1
    assert seen["optout_schedules",] == 1
    assert seen["optout_visits_total", "full", "finished"] == 0
    site.delay = 0
    wait_for(lambda: scraped(url)["optout_visits_total", "full", "finished"] == 1)
    seen = scraped(url)
    counts = dict(rows(database_url, "SELECT key, value::int FROM visit, jsonb_each(counts)"))
    assert seen["optout_pages_total",] == counts["pages"] > 5
    assert seen["optout_observations_total",] == counts["observations"] > 100
    assert seen["optout_pictures_hashed_total",] >= counts["images"] > 50
    assert seen["optout_received_bytes_total",] > 100_000
    asked = sum(v for (name, *_), v in seen.items() if name == "optout_requests_total")
    refused = seen["optout_requests_total", "refused"]
    assert len(site.requests) == asked - refused
    assert seen["optout_requests_total", "4xx"] == sum(400 <= r.status < 500 for r in site.requests)
    assert seen["optout_visit_duration_seconds_count",] == 1
    assert seen["optout_visits_in_progress",] == 0
    stop()


def test_what_is_counted_is_not_counted_again_by_the_worker_that_goes_on(
    working: tuple[str, Callable[[], None]], start: Start, site: SampleSite, database_url: str
) -> None:
    url, stop = working
    wait_for(lambda: scraped(url)["optout_pages_total",] > 1)
    urls = [url]
    stop()
    first = len(site.requests)
    site.delay = 0
    other = start("--metrics", 0)
    urls.append(url_of(other))
    wait_for(lambda: scraped(urls[1])["optout_visits_total", "full", "finished"] == 1)
    seen = scraped(urls[1])
    counts = dict(rows(database_url, "SELECT key, value::int FROM visit, jsonb_each(counts)"))
    assert 0 < seen["optout_observations_total",] < counts["observations"]
    asked = sum(v for (name, *_), v in seen.items() if name == "optout_requests_total")
    assert asked - seen["optout_requests_total", "refused"] == len(site.requests) - first


def test_events_are_counted_when_their_visit_has_ended(
    crawl: Run, due: Run, start: Start, site: SampleSite, database_url: str
) -> None:
    page = f"{site.url}/one.html"
    site.replace("/one.html", b'<img src="/a.jpg"><img src="/b.jpg">')
    for name in ("a", "b"):
        site.replace(f"/{name}.jpg", Path("demo/site/www/pictures/cat.jpg").read_bytes())
    assert crawl(page).returncode == 0
    site.replace("/one.html", b'<meta name="robots" content="noai"><img src="/a.jpg">')
    site.replace("/a.jpg", Path("demo/site/www/pictures/ducks.jpg").read_bytes())
    due(page)
    worker = start("--metrics", 0)
    url = url_of(worker)
    wait_for(lambda: scraped(url)["optout_visits_total", "full", "finished"] == 1)
    seen = {
        name[1]: value
        for name, value in scraped(url).items()
        if name[0] == "optout_events_total" and value
    }
    assert seen == {"mark-appeared": 1, "picture-replaced": 1}
    assert seen == dict(rows(database_url, "SELECT kind, count(*) FROM event GROUP BY kind"))


def test_another_path_is_not_found(working: tuple[str, Callable[[], None]]) -> None:
    url, stop = working
    with pytest.raises(HTTPError) as error:
        urlopen(url.replace("/metrics", "/"), timeout=30)
    with error.value:
        assert error.value.code == 404
    stop()


def test_a_taken_port_is_an_error_before_anything_is_claimed(
    due: Run, start: Start, site: SampleSite, database_url: str
) -> None:
    due(site.url + "/")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        worker = start("--once", "--metrics", port)
        out, log = worker.communicate(timeout=60)
    assert (worker.returncode, out) == (3, "")
    assert log == (
        f"error: 127.0.0.1:{port}: Address already in use\n"
        "hint: give another address to --metrics\n"
    )
    assert rows(database_url, "SELECT count(*) FROM visit") == [(0,)]


@pytest.mark.parametrize("address", ["", "x", "127.0.0.1:", "::1:8000", "65536", "-1", "a:b"])
def test_what_is_no_address_is_wrong_usage(start: Start, address: str) -> None:
    worker = start("--metrics", address)
    out, log = worker.communicate(timeout=60)
    assert (worker.returncode, out) == (2, "")
    assert f"{address!r} is not [HOST:]PORT" in log
