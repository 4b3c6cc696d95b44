"""Writing what a visit saw to the database."""
