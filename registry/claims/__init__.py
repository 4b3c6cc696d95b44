"""Imported claims: rows and files of lists."""
