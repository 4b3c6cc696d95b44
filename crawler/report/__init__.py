"""Progress of a running visit, and its summary."""
