"""Schedules of sites, and visits that wait for a worker."""

from registry.db.migrate import execute_beside

revision = "0006_schedules"
down_revision = "0005_resumed_visits"


def upgrade() -> None:
    """Execute 0006_schedules.sql."""
    execute_beside(__file__)
