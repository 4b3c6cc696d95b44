"""Events: what changed, and the latest reading of each URL to compare with."""

from registry.db.migrate import execute_beside

revision = "0010_events"
down_revision = "0009_equal_readings"


def upgrade() -> None:
    """Execute 0010_events.sql."""
    execute_beside(__file__)
