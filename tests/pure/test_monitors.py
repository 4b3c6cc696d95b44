"""Monitors: which losses are more than a site's own history explains."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.monitors import Fall, Falls, falls_from_json, is_lasting, monitors, suspicions

COUNTED = ("pages", "pictures", "files", "marks")
QUIET = Falls(*[Fall(40, 40)] * 4)
falls = st.integers(0, 500).flatmap(
    lambda before: st.integers(0, before).map(lambda now: Fall(before, now))
)


def only(name: str, before: int, now: int) -> Falls:
    return Falls(**{name: Fall(before, now)})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", COUNTED)
def test_a_large_loss_is_suspicious_and_a_small_one_is_not(name: str) -> None:
    history = [QUIET] * 5
    assert set(suspicions(only(name, 40, 10), history)) == {name}
    assert suspicions(only(name, 40, 30), history) == {}
    assert suspicions(only(name, 40, 40), history) == {}


@pytest.mark.parametrize(
    ("before", "now", "is_said"),
    [(2, 0, False), (3, 0, True), (3, 1, False), (6, 2, False), (7, 2, True)],
)
def test_few_things_are_suspicious_only_if_all_are_gone(
    before: int, now: int, is_said: bool
) -> None:
    assert bool(suspicions(only("marks", before, now), [])) == is_said


def test_a_site_that_often_loses_as_much_is_not_suspicious() -> None:
    restless = [only("pages", 40, now) for now in (22, 18, 25, 20, 19, 24)]
    assert suspicions(only("pages", 40, 18), restless) == {}
    # More than ever is still suspicious.
    assert set(suspicions(only("pages", 40, 0), restless)) == {"pages"}
    # One redesign in a quiet history does not make the next one usual.
    assert set(suspicions(only("pages", 40, 4), [only("pages", 40, 2), *[QUIET] * 9])) == {"pages"}


def test_many_images_with_one_same_picture_are_suspicious() -> None:
    assert suspicions(Falls(alike=4), []) == {}
    assert set(suspicions(Falls(alike=5), [])) == {"placeholder"}


@given(found=falls, history=st.lists(falls, max_size=20))
def test_no_loss_is_suspicious_without_things_lost(found: Fall, history: list[Fall]) -> None:
    for name in COUNTED:
        said = suspicions(Falls(**{name: found}), [Falls(**{name: one}) for one in history])  # type: ignore[arg-type]
        if said:
            assert found.lost >= 3
            assert found.share > 0.3
        text = said.get(name, str(found.lost))
        assert str(found.lost) in text


def test_only_what_lasts_and_can_last_is_accepted() -> None:
    marks, pictures = {"marks": "..."}, {"pictures": "..."}
    assert not is_lasting(marks, [])
    assert not is_lasting(marks, [marks])
    assert is_lasting(marks, [marks, marks])
    assert not is_lasting(marks, [pictures, pictures])
    assert not is_lasting(pictures, [pictures] * 50)
    assert not is_lasting(marks | pictures, [marks | pictures] * 5)
    assert not is_lasting({}, [])


def test_counts_of_another_version_are_read() -> None:
    assert falls_from_json({}) == Falls()
    stored = {"pages": [3, 1], "alike": 2, "words": [1, 1]}
    assert falls_from_json(stored) == Falls(pages=Fall(3, 1), alike=2)


def test_every_monitor_says_for_how_long_it_doubts() -> None:
    assert set(monitors()) == {*COUNTED, "placeholder"}
    assert {name for name, monitor in monitors().items() if monitor.LASTS is None} == {
        "pictures",
        "placeholder",
    }
