"""Item pipelines: what becomes of observations and site files."""
