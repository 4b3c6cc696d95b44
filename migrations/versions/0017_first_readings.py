"""The first reading of each image on each page."""

from registry.db.migrate import execute_beside

revision = "0017_first_readings"
down_revision = "0016_readings_again"


def upgrade() -> None:
    """Execute 0017_first_readings.sql."""
    execute_beside(__file__)
