"""The version of the algorithm in the key of a fingerprint."""

from registry.db.migrate import execute_beside

revision = "0004_fingerprint_version"
down_revision = "0003_killed_visits"


def upgrade() -> None:
    """Execute 0004_fingerprint_version.sql."""
    execute_beside(__file__)
