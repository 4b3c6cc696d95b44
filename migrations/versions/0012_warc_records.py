"""Evidence names its record in a WARC file."""

from registry.db.migrate import execute_beside

revision = "0012_warc_records"
down_revision = "0011_known_pages"


def upgrade() -> None:
    """Execute 0012_warc_records.sql."""
    execute_beside(__file__)
