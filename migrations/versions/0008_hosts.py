"""What is known of hosts: when each may be requested next, and which are never visited."""

from registry.db.migrate import execute_beside

revision = "0008_hosts"
down_revision = "0007_workers"


def upgrade() -> None:
    """Execute 0008_hosts.sql."""
    execute_beside(__file__)
