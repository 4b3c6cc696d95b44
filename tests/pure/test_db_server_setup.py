"""Settings of the embedded server that depend on the machine."""

from __future__ import annotations

import pytest

from registry.db.server_setup import log_megabytes


@pytest.mark.parametrize(
    ("free", "megabytes"), [(0, 1024), (1 << 30, 1024), (16 << 30, 4096), (1 << 40, 8192)]
)
def test_the_log_takes_a_quarter_of_the_free_space(free: int, megabytes: int) -> None:
    assert log_megabytes(free) == megabytes
