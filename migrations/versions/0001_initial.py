"""The registry's first schema."""

from registry.db.migrate import execute_beside

revision = "0001_initial"
down_revision = None


def upgrade() -> None:
    """Execute 0001_initial.sql."""
    execute_beside(__file__)
