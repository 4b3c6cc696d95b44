"""Equal readings are counted, not stored again."""

from registry.db.migrate import execute_beside

revision = "0009_equal_readings"
down_revision = "0008_hosts"


def upgrade() -> None:
    """Execute 0009_equal_readings.sql."""
    execute_beside(__file__)
