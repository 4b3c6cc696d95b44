"""How soon a host may be asked again; the clock is an argument."""

import itertools
import math
import random
from datetime import UTC, datetime

import pytest

from crawler.manners.pace import (
    MARGIN,
    MOST_CRAWL_DELAY,
    MOST_PAUSE,
    MOST_REFUSALS,
    MOST_WAIT,
    Pace,
)
from registry.sources.pauses import retry_after

NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)


def pace(delay=1.0, ends_at=math.inf):
    return Pace(lambda host: delay, ends_at)


def test_between_two_requests_to_a_host_lies_at_least_its_delay():
    chance = random.Random(7)
    made, now, starts = pace(0.5), 0.0, {"a": [], "b": []}
    for _ in range(500):
        now += chance.choice([0.0, 0.001, 0.2, 0.49, 0.5, 2.0])
        host = chance.choice("ab")
        starts[host].append(now + made.reserve(host, now))
    for times in starts.values():
        assert min(b - a for a, b in itertools.pairwise(times)) >= 0.5 - 1e-9


def test_hosts_do_not_wait_for_each_other():
    made = pace()
    assert (made.reserve("a", 5), made.reserve("b", 5), made.reserve("a", 5)) == (
        0,
        0,
        pytest.approx(1 + MARGIN),
    )


def test_the_delay_counts_from_the_response():
    made = pace(2)
    made.reserve("a", 0)
    assert made.next_in("a", 0.5) == pytest.approx(1.5 + MARGIN)
    made.response_began("a", 0.5)
    assert made.next_in("a", 0.5) == pytest.approx(2 + MARGIN)
    assert made.reserve("a", 1) == pytest.approx(1.5 + MARGIN)
    assert made.reserve("b", 1) == 0


def test_a_request_that_was_not_sent_delays_none():
    made = pace(2)
    assert (made.next_in("a", 5), made.turn_delay("a")) == (0, 2 + MARGIN)
    assert pace(0).turn_delay("a") == 0


def test_a_pause_that_lasts_until_the_visit_ends_is_too_far():
    made = pace(ends_at=100)
    assert not made.is_too_far(50, 40)
    assert made.is_too_far(60, 40)
    assert pace().is_too_far(MOST_PAUSE + 1, 0)
    made.responded("a", 503, 10, 0)
    assert (made.pause_status("a", 5), made.pause_status("a", 11)) == (503, None)
    made.stop("b", 429)
    assert made.stopped() == {"b": 429}


@pytest.mark.parametrize(("asked", "least"), [(5, 5), (0.1, 1), (1e9, MOST_CRAWL_DELAY), (0, 1)])
def test_crawl_delay_makes_slower_only_and_has_a_bound(asked, least):
    made = pace()
    made.crawl_delay("a", asked)
    assert (made.least_delay("a"), made.least_delay("b")) == (least, 1)


@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_pauses_the_host_alone(status):
    made = pace()
    made.responded("a", status, 120, 10)
    assert (made.pause("a", 10), made.pause("a", 100), made.pause("a", 131)) == (120, 30, 0)
    assert (made.pause("b", 10), made.paused(20), made.paused(131)) == (0, {"a"}, frozenset())
    assert made.reserve("a", 10) == 120
    assert made.stop_status("a") is None


def test_a_pause_of_years_lasts_a_week():
    made = pace()
    made.responded("a", 429, math.inf, 0.0)
    assert made.next_in("a", 0.0) == MOST_WAIT
    assert made.stop_status("a") == 429


def test_without_a_time_the_pause_grows():
    made, now, pauses = pace(delay=2), 0.0, []
    for _ in range(2):
        made.responded("a", 429, None, now)
        pauses.append(made.pause("a", now))
        now += pauses[-1]
    assert pauses == [10, 20]


def test_a_host_that_goes_on_refusing_is_asked_no_more():
    made, now = pace(), 0.0
    for number in range(MOST_REFUSALS):
        assert made.stop_status("a") is None, number
        made.responded("a", 429, 120, now)
        now += 120
    assert (made.stop_status("a"), made.stop_status("b"), made.stopped()) == (429, None, {"a": 429})


def test_requests_that_were_under_way_together_are_one_refusal():
    made = pace()
    for late in range(2 * MOST_REFUSALS):
        made.responded("a", 503, 60, late / 10)
    assert made.stop_status("a") is None
    made.responded("a", 200, None, 1)
    made.responded("a", 503, 60, 100)
    made.responded("a", 503, 60, 200)
    assert made.stop_status("a") == 503


def test_an_answer_after_the_pause_forgives():
    made, now = pace(), 0.0
    for _ in range(3 * MOST_REFUSALS):
        made.responded("a", 503, 1, now)
        made.responded("a", 404, None, now + 2)
        now += 3
    assert made.stop_status("a") is None


@pytest.mark.parametrize(("wait", "ends_at"), [(MOST_PAUSE + 1, math.inf), (120, 100), (None, 3)])
def test_a_pause_that_is_too_long_ends_the_visit_of_the_host(wait, ends_at):
    made = pace(ends_at=ends_at)
    made.responded("a", 429, wait, 0)
    assert made.stop_status("a") == 429


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Thu, 26 Nov 2026 12:02:00 GMT", 120),
        ("Thu, 26 Nov 2026 11:00:00 GMT", 0),
        ("Thursday, 26-Nov-26 12:00:30 GMT", 30),
        ("9" * 400, math.inf),
        ("3.5", 4),
        ("2.0", 2),
        ("0.001", 1),
        ("9" * 400 + ".5", math.inf),
        *(
            (odd, None)
            for odd in ("", "soon", "-5", ".", "1.5.2", "\u0661", "Thu, 99 Nov 2026", "1 2")
        ),
    ],
)
def test_retry_after(value, seconds):
    assert retry_after(value, NOW) == seconds
