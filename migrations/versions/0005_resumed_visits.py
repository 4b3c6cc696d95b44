"""A journal of each visit, and the token of its owner."""

from registry.db.migrate import execute_beside

revision = "0005_resumed_visits"
down_revision = "0004_fingerprint_version"


def upgrade() -> None:
    """Execute 0005_resumed_visits.sql."""
    execute_beside(__file__)
