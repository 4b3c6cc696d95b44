"""Visits that found much less than earlier ones are suspect."""

from registry.db.migrate import execute_beside

revision = "0013_suspect_visits"
down_revision = "0012_warc_records"


def upgrade() -> None:
    """Execute 0013_suspect_visits.sql."""
    execute_beside(__file__)
