"""Spiders: one file per kind of site; the file name is the name of the spider."""
