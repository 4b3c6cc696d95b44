"""Workers say that they are alive."""

from registry.db.migrate import execute_beside

revision = "0014_workers_alive"
down_revision = "0013_suspect_visits"


def upgrade() -> None:
    """Execute 0014_workers_alive.sql."""
    execute_beside(__file__)
