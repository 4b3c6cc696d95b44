"""Writes the observations of a visit to the database."""
