"""Match samples to entries: distances and tiers. Pure: values in, values out."""
