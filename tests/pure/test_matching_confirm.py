"""Tiers of fingerprint matches, and the matches that chance makes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.matching import brute
from registry.matching.confirm import (
    CANDIDATE_RADIUS,
    LIKELY_64,
    MOST_CHANCE,
    POSSIBLE_64,
    expected_chance_matches,
    possible_radius,
    tier,
)
from registry.model import TIERS

TABLE = [
    # distance64, distance256, tier
    (0, 0, "exact"),
    (1, 0, "certain"),
    (0, 1, "certain"),
    (8, 31, "certain"),
    (0, 32, "likely"),
    (8, 60, "likely"),
    (4, 61, "possible"),
    (0, 200, "possible"),
    (5, 61, None),
    (8, 256, None),
    (0, None, "likely"),
    (4, None, "likely"),
    (5, None, "possible"),
    (8, None, "possible"),
    (9, None, None),
    (64, None, None),
]


@pytest.mark.parametrize(("near", "wide", "expected"), TABLE)
def test_tier(near, wide, expected):
    assert tier(near, wide) == expected


RANK = {name: rank for rank, name in enumerate([*TIERS, None])}


@given(st.integers(0, 63), st.none() | st.integers(0, 255))
def test_a_greater_distance_is_never_a_better_tier(near, wide):
    assert RANK[tier(near, wide)] <= RANK[tier(near + 1, wide)]
    if wide is not None:
        assert RANK[tier(near, wide)] <= RANK[tier(near, wide + 1)]


def test_every_candidate_by_64_bits_alone_has_a_tier():
    assert all(tier(distance) for distance in range(CANDIDATE_RADIUS + 1))
    assert tier(CANDIDATE_RADIUS + 1) is None


def test_expected_chance_matches_is_the_exact_tail():
    assert expected_chance_matches(1, 1, 64) == 1.0
    assert math.isclose(expected_chance_matches(1, 1, 0), 1 / math.comb(63, 31))
    assert expected_chance_matches(1, 1, 9) == expected_chance_matches(1, 1, 8)
    assert expected_chance_matches(3, 5, 99) == 15.0
    assert expected_chance_matches(0, 10**9, 8) == 0.0
    # What measurements of real codes gave: 1.3e-9 of pairs within 8, 2.5e-13 within 4.
    assert math.isclose(expected_chance_matches(1, 1, 8), 1.26e-9, rel_tol=0.01)
    assert math.isclose(expected_chance_matches(1, 1, 4), 2.53e-13, rel_tol=0.01)


def test_unrelated_codes_match_as_often_as_expected():
    rng = np.random.default_rng(5)
    entries, queries = (phash_like(rng, 3000) for _ in range(2))
    found = len(brute.join(entries, queries, 18)[0])
    expected = expected_chance_matches(3000, 3000, 18)
    assert expected > 100
    assert abs(found - expected) < 5 * math.sqrt(expected)


def phash_like(rng: np.random.Generator, count: int) -> np.ndarray:
    """Make codes with half of their bits set, the first among them."""
    bits = np.tile(np.arange(64) <= 31, (count, 1))
    bits[:, 1:] = rng.permuted(bits[:, 1:], axis=1)
    return np.packbits(bits, axis=1).view(">u8").reshape(-1).astype(np.uint64)


@pytest.mark.parametrize(
    ("entries", "radius"), [(0, 8), (1_500_000, 8), (1_700_000, 6), (50_000_000, 6), (10**9, 4)]
)
def test_the_radius_falls_as_the_registry_grows(entries: int, radius: int):
    assert possible_radius(entries) == radius
    chance = expected_chance_matches(entries, MOST_CHANCE, radius)
    assert chance <= 1 or radius == LIKELY_64
    assert tier(radius, None, radius) == ("possible" if radius > LIKELY_64 else "likely")
    assert tier(radius + 1, None, radius) is None
    assert tier(POSSIBLE_64, 31, radius) == "certain"
