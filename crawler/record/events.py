"""Signals of ours that travel on Scrapy's signal manager."""

from __future__ import annotations

# Sent with `site_file` when a file that speaks for a site was read, or could not be.
site_file_read = object()
