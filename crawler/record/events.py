"""The crawler's own signals, sent by Scrapy's signal manager."""

from __future__ import annotations

# Sent with `site_file` when a site file was fetched, or refused, and with its `response` or None.
site_file_read = object()
