"""Commands and their server killed at random moments: a small version of `bench.kills`."""

from bench.kills import play

ROUNDS = 2


def test_killed_commands_leave_nothing_and_can_be_run_again() -> None:
    lines: list[str] = []
    counts, faults = play(ROUNDS, seed=18640, say=lines.append)
    assert not faults, "\n".join(lines)
    assert sum(counts.values()) == ROUNDS
