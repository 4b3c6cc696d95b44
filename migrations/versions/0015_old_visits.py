"""Old visits that nothing names can be deleted."""

from registry.db.migrate import execute_beside

revision = "0015_old_visits"
down_revision = "0014_workers_alive"


def upgrade() -> None:
    """Execute 0015_old_visits.sql."""
    execute_beside(__file__)
