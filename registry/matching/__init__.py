"""Match samples to entries: distances, tiers and URL keys. Pure: values in, values out."""
