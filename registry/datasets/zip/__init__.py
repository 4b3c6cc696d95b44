"""Zip archives: their records, pictures and metadata, and archives in which pictures are kept."""
