"""Visits that workers make: claimed, given back, and one at a time for each host."""

from registry.db.migrate import execute_beside

revision = "0007_workers"
down_revision = "0006_schedules"


def upgrade() -> None:
    """Execute 0007_workers.sql."""
    execute_beside(__file__)
