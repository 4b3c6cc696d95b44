"""File names of imported pictures, and withdrawals of claims."""

from registry.db.migrate import execute_beside

revision = "0002_claim_history"
down_revision = "0001_initial"


def upgrade() -> None:
    """Execute 0002_claim_history.sql."""
    execute_beside(__file__)
