"""Registry of machine-readable reservations of images against AI training."""

__version__ = "0.1.0"
