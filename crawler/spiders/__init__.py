"""Spiders: one file per type of site; the file name is the name of the spider."""
