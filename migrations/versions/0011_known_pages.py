"""Known pages: what the next visit of a site needs to know of the pages of earlier ones."""

from registry.db.migrate import execute_beside

revision = "0011_known_pages"
down_revision = "0010_events"


def upgrade() -> None:
    """Execute 0011_known_pages.sql."""
    execute_beside(__file__)
