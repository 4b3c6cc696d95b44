"""Readings together with the equal ones after them."""

from registry.db.migrate import execute_beside

revision = "0016_readings_again"
down_revision = "0015_old_visits"


def upgrade() -> None:
    """Execute 0016_readings_again.sql."""
    execute_beside(__file__)
