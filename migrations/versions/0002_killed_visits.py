"""A state for visits of crawlers that were killed."""

from registry.db.migrate import execute_beside

revision = "0002_killed_visits"
down_revision = "0001_initial"


def upgrade() -> None:
    """Execute 0002_killed_visits.sql."""
    execute_beside(__file__)
