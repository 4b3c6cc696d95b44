"""Bundles: the evidence of one picture in one file, and its comparison with a snapshot."""
