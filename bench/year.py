"""One year of visits on a simulated clock: the project's rule beside others.

    .venv/bin/python -m bench.year --sites 10000 --seed 1 2 3

Sites change at random, with rates from a power law between 1/1000 and 1 a day (`bench.year_sites`).
Ten workers visit them by the rule of a schedule (`crawler.schedule`) and by those of others
(`bench.year_rules`), each set so that it makes as many requests as ours on the same sites.
Fails unless ours is better than a fixed interval and than Nutch's rule in freshness and in delay.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from statistics import fmean, median, quantiles

from bench.year_rules import (
    Counted,
    Freshest,
    KnownFreshest,
    KnownSoonest,
    Nutch,
    Ours,
    Peer,
    Stretched,
)
from bench.year_sites import Policy, World, Year, measured, visits, world

Make = Callable[[World, float], Peer]
OURS = "ours"
OWN_NUTCH, TUNED_NUTCH = "Nutch -0.2/+0.4, first {:.3g} d", "Nutch -0.2/+{:.3f}"
# Each rule with the least and the most of its scale; a larger scale makes fewer requests.
PEERS: dict[str, tuple[Make, float, float]] = {
    "fixed interval": (Peer, 1, 90),
    "x0.5 after a change, else x{:.3f}": (Stretched, 0.01, 20),
    OWN_NUTCH: (Nutch, 1, 90),
    TUNED_NUTCH: (partial(Stretched, shrink=0.2), 0.01, 20),
    "Nutch, sync_delta, first {:.3g} d": (partial(Nutch, sync=True), 1, 90),
    "counts, k/sqrt(rate), k={:.2f}": (Counted, 0.05, 50),
    "ours, but most freshness": (Freshest, 0.01, 100),
    "true rates, most freshness": (KnownFreshest, 0.01, 100),
    "true rates, k/sqrt(rate), k={:.2f}": (KnownSoonest, 0.05, 50),
}
# Requests may differ by this share of ours.
TOLERANCE = 0.002
COLUMNS = (
    ("fresh %", 2),
    ("delay mean", 2),
    ("median", 2),
    ("p90", 1),
    ("of all", 2),
    ("found", 0),
    ("requests/d", 1),
    ("busiest day", 2),
    ("late s median", 0),
    ("p99", 0),
)


def run(sites: World, policy: Policy, workers: int) -> Year:
    """Return what a rule achieves on these sites."""
    return measured(sites, visits(sites, policy, workers))


def equalised(
    sites: World, make: Make, least: float, most: float, requests: int, workers: int
) -> tuple[float, Year]:
    """Return the scale by which a rule makes this number of requests, and what it achieves.

    If no scale does, the nearest of the tried ones.
    """
    best: tuple[float, Year] | None = None
    for _ in range(20):
        scale = (least * most) ** 0.5
        year = run(sites, make(sites, scale), workers)
        if best is None or abs(year.requests - requests) < abs(best[1].requests - requests):
            best = scale, year
        if abs(year.requests - requests) <= TOLERANCE * requests:
            break
        least, most = (scale, most) if year.requests > requests else (least, scale)
    assert best is not None
    return best


def figures(sites: World, year: Year) -> tuple[float, ...]:
    """Return the columns of a row."""
    # The first month has the first visits, which are all due at the same time.
    busy = year.revisits_by_day[30:] or year.revisits_by_day
    late = year.late or [0.0]
    return (
        100 * year.fresh,
        fmean(year.delays),
        median(year.delays),
        quantiles(year.delays, n=10)[-1],
        fmean(year.waits),
        len(year.delays),
        year.requests / sites.days,
        max(busy) / max(fmean(busy), 1e-9),
        median(late),
        quantiles(late, n=100)[-1] if len(late) > 1 else late[0],
    )


def rows(sites: World, workers: int) -> dict[str, tuple[float, tuple[float, ...]]]:
    """Return the scale and the figures of each rule on the same sites."""
    ours = run(sites, Ours(sites), workers)
    found = {OURS: (0.0, figures(sites, ours))}
    for name, (make, least, most) in PEERS.items():
        scale, year = equalised(sites, make, least, most, ours.requests, workers)
        found[name] = scale, figures(sites, year)
    return found


def shown(runs: list[dict[str, tuple[float, tuple[float, ...]]]]) -> list[str]:
    """Return a table of the medians over the seeds."""
    lines = ["| rule | " + " | ".join(name for name, _ in COLUMNS) + " |", "| --- " * 11 + "|"]
    for name in runs[0]:
        scale = median(found[name][0] for found in runs)
        each = zip(*(found[name][1] for found in runs), strict=True)
        cells = [f"{median(v):,.{d}f}" for v, (_, d) in zip(each, COLUMNS, strict=True)]
        lines.append(f"| {name.format(scale)} | " + " | ".join(cells) + " |")
    return lines


def is_better(found: dict[str, tuple[float, tuple[float, ...]]]) -> bool:
    """Return whether ours is fresher and sooner than a fixed interval and all of Nutch's."""
    peers = [row for name, (_, row) in found.items() if name.startswith(("fixed", "Nutch"))]
    fresh, delay, _, _, of_all, *_ = found[OURS][1]
    return all(fresh > row[0] and delay < row[1] and of_all < row[4] for row in peers)


def main() -> None:
    """Simulate, and print the table."""
    parser = argparse.ArgumentParser(description="One year of visits on a simulated clock.")
    parser.add_argument("--sites", type=int, default=10_000)
    parser.add_argument("--days", type=float, default=365)
    parser.add_argument("--seed", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--workers", type=int, default=10)
    parser.add_argument("--exponent", type=float, default=1.6, help="of the power law")
    parser.add_argument("--drift", type=float, default=0, help="share with a new rate at half time")
    parser.add_argument("--bursts", action="store_true", help="changes come five at a time")
    options = parser.parse_args()
    runs = []
    for seed in options.seed:
        sites = world(
            options.sites, options.days, seed, options.exponent, options.drift, options.bursts
        )
        runs.append(rows(sites, options.workers))
        print(f"seed {seed}: {'better' if is_better(runs[-1]) else 'NOT BETTER'}", flush=True)
    print(*shown(runs), sep="\n")
    sys.exit(not all(map(is_better, runs)))


if __name__ == "__main__":
    main()
