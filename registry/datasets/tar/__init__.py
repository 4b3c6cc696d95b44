"""WebDataset: tar files, the samples in them, and shards in which samples are kept."""
