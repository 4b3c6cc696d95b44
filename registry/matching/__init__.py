"""Matches rows with entries: distances and tiers. Pure: values in, values out."""
