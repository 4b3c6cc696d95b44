"""When a site is visited: cron, nights with clock changes, intervals and retries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.schedule.durations import duration, spelled
from crawler.schedule.nights import night
from crawler.schedule.rates import Changes
from crawler.schedule.rules import Rule
from registry.errors import UsageError

DAY = timedelta(days=1)
BERLIN = "Europe/Berlin"
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
ZONES = st.sampled_from(["UTC", BERLIN, "America/New_York", "Asia/Kathmandu", "Pacific/Apia"])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "zone", "moment", "opens", "closes"),
    [
        ("22-06", "UTC", "2026-11-27 23:00", "2026-11-27 23:00", "2026-11-28 06:00"),
        ("22-06", "UTC", "2026-11-27 05:59", "2026-11-27 05:59", "2026-11-27 06:00"),
        ("22-06", "UTC", "2026-11-27 06:00", "2026-11-27 22:00", None),
        ("1-5", "UTC", "2026-11-27 05:00", "2026-11-28 01:00", None),
        ("0-24", "UTC", "2026-11-27 12:00", None, None),
        ("20-24", "UTC", "2026-11-27 23:59", "2026-11-27 23:59", "2026-11-28 00:00"),
        ("22:30-06:15", BERLIN, "2026-11-27 21:00", "2026-11-27 21:30", None),
        # The night in which clocks go back at 03:00 has nine hours, that in spring seven.
        ("22-06", BERLIN, "2026-10-24 20:00", "2026-10-24 20:00", "2026-10-25 05:00"),
        ("22-06", BERLIN, "2026-03-28 21:00", "2026-03-28 21:00", "2026-03-29 04:00"),
        # 02:30 does not exist on 29 March in Berlin: one hour later.
        ("02:30-04", BERLIN, "2026-03-29 00:00", "2026-03-29 01:30", None),
    ],
)
def test_hours_of_a_day(
    hours: str, zone: str, moment: str, opens: str | None, closes: str | None
) -> None:
    if opens is None:
        with pytest.raises(UsageError):
            night(hours, zone)
        return
    found = night(hours, zone)
    assert found.opens(at(moment)) == at(opens)
    assert found.closes(at(moment)) == (at(closes) if closes else None)


@given(MOMENTS, ZONES, st.integers(0, 23), st.integers(0, 23))
def test_a_night_opens_within_a_day_and_is_open_then(
    moment: datetime, zone: str, start: int, end: int
) -> None:
    if start == end:
        return
    hours = night(f"{start}-{end}", zone)
    opens = hours.opens(moment)
    # A zone that skips a whole day (Apia in 2011) or an hour of it can make it later.
    assert moment <= opens <= moment + timedelta(hours=49)
    closes = hours.closes(opens)
    assert closes is not None
    assert opens < closes <= opens + timedelta(hours=26)


def test_hours_that_the_clock_leaves_out() -> None:
    # On 28 March 2027 it is 3:00 in Paris after 1:59.
    half = night("02:30-03:10", "Europe/Paris")
    opens = half.opens(datetime(2027, 3, 28, 0, 50, tzinfo=UTC))
    assert opens == datetime(2027, 3, 29, 0, 30, tzinfo=UTC)
    assert half.closes(opens) == datetime(2027, 3, 29, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "22", "22-6-7", "25-06", "24:30-6", "22-22", "24-0", "٢٢-٠٦"])
def test_what_is_no_night(text: str) -> None:
    with pytest.raises(UsageError):
        night(text)


def test_an_interval_counts_from_the_end_of_the_visit_and_is_spread() -> None:
    rule, ended = Rule(every=7 * DAY), at("2026-11-27 12:00")
    gaps = [rule.after(ended, Changes(), chance) - ended for chance in (0, 0.5, 1)]
    assert gaps == [6.65 * DAY, 7 * DAY, 7.35 * DAY]


def test_a_failed_visit_is_tried_again_after_a_day() -> None:
    rule, ended = Rule(every=7 * DAY), at("2026-11-27 12:00")
    gaps = [rule.after_failure(ended, Changes(), chance) - ended for chance in (0, 0.5, 1)]
    assert gaps == [0.95 * DAY, DAY, 1.05 * DAY]


@pytest.mark.parametrize(
    ("rule", "due"),
    [
        # A site that is visited more often anyway: at its own interval.
        (Rule(every=timedelta(hours=6)), "2026-11-27 18:00"),
        (Rule(every=DAY), "2026-11-28 12:00"),
        (Rule(every=7 * DAY, least=2 * DAY, most=30 * DAY), "2026-11-28 12:00"),
        # In its night, the first one after a day.
        (Rule(every=7 * DAY, night=night("22-06")), "2026-11-28 22:00"),
        (Rule(every=7 * DAY, night=night("11-13")), "2026-11-28 12:00"),
        (Rule(every=timedelta(hours=1), night=night("22-06")), "2026-11-27 22:00"),
        (Rule(every=7 * DAY, night=night("22-06", "Asia/Tokyo")), "2026-11-28 13:00"),
        # At the times of its cron expression only.
        (Rule(cron="0 3 * * 1"), "2026-11-30 03:00"),
        (Rule(cron="*/15 * * * *"), "2026-11-27 12:15"),
        (Rule(cron="0 3 1 1 *"), "2027-01-01 03:00"),
    ],
)
def test_when_a_failed_visit_is_tried_again(rule: Rule, due: str) -> None:
    assert rule.after_failure(at("2026-11-27 12:00"), Changes(), 0.5) == at(due)


def test_a_site_that_changes_daily_is_tried_again_sooner_than_after_a_day() -> None:
    rule = Rule(every=DAY, least=timedelta(hours=1), most=30 * DAY)
    changes = Changes()
    for _ in range(40):
        changes = changes.with_visit(timedelta(hours=2), changed=True)
    ended = at("2026-11-27 12:00")
    retried = rule.after_failure(ended, changes, 0.5)
    assert ended < retried == rule.after(ended, changes, 0.5) < ended + DAY


@given(MOMENTS, ZONES, st.floats(0, 1), st.integers(1, 90 * 24))
def test_a_failure_postpones_no_visit(
    moment: datetime, zone: str, chance: float, hours: int
) -> None:
    for hour in (None, night("22-06", zone)):
        rule = Rule(every=timedelta(hours=hours), night=hour)
        retried = rule.after_failure(moment, Changes(), chance)
        assert moment < retried <= rule.after(moment, Changes(), chance)


def test_a_visit_after_a_month_of_standing_still_is_due_once() -> None:
    rule = Rule(cron="0 3 * * 1")
    assert rule.after(at("2026-12-31 12:00"), Changes(), 0.5) == at("2027-01-04 03:00")


@pytest.mark.parametrize(
    ("cron", "zone", "ended", "due"),
    [
        ("0 3 * * 1", "UTC", "2026-11-27 12:00", "2026-11-30 03:00"),
        ("0 3 * * 1", BERLIN, "2026-11-27 12:00", "2026-11-30 02:00"),
        ("0 3 * * 1", BERLIN, "2026-06-27 12:00", "2026-06-29 01:00"),
        # 02:30 comes twice on 25 October, and not at all on 29 March.
        ("30 2 * * *", BERLIN, "2026-10-24 22:00", "2026-10-25 00:30"),
        ("*/15 * * * *", "UTC", "2026-11-27 12:00", "2026-11-27 12:15"),
    ],
)
def test_cron(cron: str, zone: str, ended: str, due: str) -> None:
    assert Rule(cron=cron, timezone=zone).after(at(ended), Changes(), 0.9) == at(due)


@given(MOMENTS, ZONES)
def test_cron_is_always_later(moment: datetime, zone: str) -> None:
    due = Rule(cron="30 2 * * *", timezone=zone).first(moment)
    assert moment < due <= moment + timedelta(hours=50)


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"every": DAY, "cron": "0 3 * * 1"},
        {"cron": "0 3 * * 1", "night": night("22-06")},
        {"cron": "0 0 31 2 *"},
        {"cron": "0 3 * * 1 5"},
        {"cron": "@daily"},
        {"cron": "a b c d e"},
        {"every": timedelta(seconds=59)},
        {"every": timedelta(days=3651)},
        {"every": DAY, "least": 3 * DAY, "most": 2 * DAY},
        {"every": DAY, "timezone": "Mars/Olympus"},
        {"every": DAY, "timezone": "../../etc/passwd"},
    ],
)
def test_terms_that_contradict_themselves(terms: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Rule(**terms)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["7d", "30m", "12h", "1d12h", "1h30m", "45s", "0s"])
def test_durations_are_spelled_as_they_are_read(text: str) -> None:
    parts = text.replace("d", "d ").replace("h", "h ").split()
    assert spelled(sum(map(duration, parts), timedelta())) == text


@pytest.mark.parametrize("text", ["", "7", "d", "7x", "-7d", "1.5d", "٣d", "9" * 30 + "d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a duration|too long"):
        duration(text)
