"""Registry of machine-readable reservations of images against AI training."""

__version__ = "0.1.0"
# The name that robots.txt groups address us by (RFC 9309, section 2.2.1).
PRODUCT_TOKEN = "OptoutRegistry"
