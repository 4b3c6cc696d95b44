"""A state for visits of crawlers that were killed."""

from registry.db.migrate import execute_beside

revision = "0003_killed_visits"
down_revision = "0002_claim_history"


def upgrade() -> None:
    """Execute 0003_killed_visits.sql."""
    execute_beside(__file__)
