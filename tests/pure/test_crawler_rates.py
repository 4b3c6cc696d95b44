"""Estimates of a site's rate of change: bounds, order, exactness, and a year of visits."""

from __future__ import annotations

import math
import random
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.year import OWN_NUTCH, PEERS, TUNED_NUTCH, equalised, figures, run
from bench.year_rules import Nutch, Ours, Peer, Stretched
from bench.year_sites import World, visits, world
from crawler.schedule.rates import CHANGED, DAYS, MEMORY, SHAPE, Changes, interval
from crawler.schedule.rules import Rule

DAY = timedelta(days=1)
History = list[tuple[float, bool]]
HISTORIES = st.lists(st.tuples(st.floats(0, 1e6), st.booleans()), max_size=60)


def seen(history: History) -> Changes:
    """Return the estimate after visits, each with the days since the one before."""
    changes = Changes()
    for days, changed in history:
        changes = changes.with_visit(timedelta(days=days), changed=changed)
    return changes


def test_the_estimate_finds_the_rate() -> None:
    """Sites whose rates are known, visited every 4 days for long."""
    chance = random.Random(7)
    for rate in (0.02, 0.1, 0.4):
        estimates = []
        for _ in range(200):
            changes = Changes()
            for _ in range(60):
                changed = chance.random() < 1 - math.exp(-rate * 4)
                changes = changes.with_visit(4 * DAY, changed=changed)
            estimates.append(changes.rate)
        assert 0.8 * rate < sum(estimates) / len(estimates) < 1.4 * rate


@given(HISTORIES)
def test_intervals_stay_within_their_limits(history: History) -> None:
    changes = seen(history)
    assert DAY <= interval(changes, DAY, 90 * DAY) <= 90 * DAY
    assert changes.is_known == bool(history)


@given(HISTORIES, st.floats(0, 1e6))
def test_a_change_raises_the_rate_above_that_without_one(history: History, gap: float) -> None:
    changes = seen(history)
    rates = [changes.with_visit(gap * DAY, changed=changed).rate for changed in (False, True)]
    assert all(math.isfinite(rate) and rate > 0 for rate in rates)
    assert rates[0] <= rates[1] * (1 + 1e-9)


@given(st.floats(1e-9, 1e6), st.floats(1e-9, 1e6))
def test_a_higher_rate_has_no_longer_interval(one: float, other: float) -> None:
    low, high = sorted((one, other))
    states = [Changes(2, CHANGED, (SHAPE + CHANGED) / rate) for rate in (high, low)]
    shorter, longer = (interval(changes, timedelta(0), 10_000 * DAY) for changes in states)
    assert shorter <= longer


@pytest.mark.parametrize("gap", [1e-4, 0.1, 3.0, 30.0, 400.0])
@pytest.mark.parametrize(("changed", "days"), [(CHANGED, DAYS), (2.5, 40.0), (12.0, 20.0)])
def test_mean_and_variance_after_a_change_are_those_of_the_exact_distribution(
    changed: float, days: float, gap: float
) -> None:
    """The exact one by numerical integration over the logarithm of the rate."""
    after = Changes(2, changed, days).with_visit(gap * DAY, changed=True)
    shape, scale = max(MEMORY * (SHAPE + changed), SHAPE + CHANGED), MEMORY * days
    rates = [math.exp(-60 + 0.01 * step) for step in range(6600)]
    weights = [
        math.exp(shape * math.log(rate) - scale * rate) * -math.expm1(-rate * gap) for rate in rates
    ]
    mean = sum(map(float.__mul__, weights, rates)) / sum(weights)
    square = sum(w * rate * rate for w, rate in zip(weights, rates, strict=True)) / sum(weights)
    assert after.rate == pytest.approx(mean, rel=1e-6)
    assert after.rate / after.days == pytest.approx(square - mean**2, rel=1e-6)


def test_a_rate_that_changes_is_followed() -> None:
    """A site that rested for ten years and then changes weekly, and the reverse."""
    quiet = seen([(90, False)] * 40)
    assert interval(quiet, DAY, 90 * DAY) == 90 * DAY
    woken = quiet
    for _ in range(20):
        gap = interval(woken, DAY, 90 * DAY)
        woken = woken.with_visit(gap, changed=True)
    assert interval(woken, DAY, 90 * DAY) < 20 * DAY
    busy = seen([(2, True)] * 100)
    assert interval(busy, DAY, 90 * DAY) < 3 * DAY
    for _ in range(30):
        busy = busy.with_visit(interval(busy, DAY, 90 * DAY), changed=False)
    assert interval(busy, DAY, 90 * DAY) > 20 * DAY


def test_a_change_shortens_the_interval_and_none_lengthens_it() -> None:
    rule = Rule(every=7 * DAY, least=DAY, most=90 * DAY)
    assert rule.interval(Changes()) == 7 * DAY
    lengths = []
    for changed in (True, False):
        changes = Changes()
        for _ in range(5):
            changes = changes.with_visit(7 * DAY, changed=changed)
        length = rule.interval(changes)
        assert length is not None
        lengths.append(length / DAY)
    assert lengths[0] < 5 < 15 < lengths[1]


SITES = world(300, 365, seed=9)


def test_a_year_is_fresher_and_changes_are_found_sooner_than_by_other_rules() -> None:
    """The same sites and as many requests as with a fixed interval and with Nutch's rule."""
    ours = run(SITES, Ours(SITES), workers=10)
    for name in ("fixed interval", OWN_NUTCH, TUNED_NUTCH):
        _, other = equalised(SITES, *PEERS[name], ours.requests, workers=10)
        assert abs(other.requests - ours.requests) < 0.01 * ours.requests
        assert ours.fresh > other.fresh
        assert figures(SITES, ours)[1] < figures(SITES, other)[1]


def test_a_site_that_never_changes_is_visited_as_seldom_as_allowed() -> None:
    quiet = World(2000, [0.0], [[]])
    begun = [visit.begin for visit in visits(quiet, Ours(quiet), workers=1)]
    gaps = [after - before for before, after in pairwise(begun)]
    assert min(gaps[-5:]) > 0.95 * 90
    assert len(begun) < 40


def test_nutch_waits_as_its_source_says() -> None:
    """By AdaptiveFetchSchedule: the new interval, less 0.3 of the time since the last change."""
    nutch = Nutch(SITES, 10, sync=True)
    assert nutch.interval(0, None, changed=False) == 10
    assert nutch.interval(0, 10, changed=False) == pytest.approx(14 - 0.3 * 10)
    assert nutch.interval(0, 11, changed=False) == pytest.approx(21 - 0.3 * 21)
    assert nutch.interval(0, 15, changed=True) == pytest.approx(21 * 0.8)
    plain = Stretched(SITES, 0.4, shrink=0.2)
    steps = [
        plain.interval(1, gap, changed) for gap, changed in ((None, False), (7, False), (9, True))
    ]
    assert steps == pytest.approx([7, 9.8, 7.84])


def test_a_visit_finds_the_changes_since_the_one_before() -> None:
    sites = World(30, [1.0], [[0.5, 4.5, 6.0, 12.0, 29.0, 40.0]])
    year = run(sites, Peer(sites, 5), workers=1)
    assert year.requests in (6, 7)
    assert (len(year.delays), len(year.waits)) == (4, 5)
    assert year.fresh == pytest.approx(1 - sum(year.delays) / 30, abs=0.01)
    assert max(year.late) == 0
