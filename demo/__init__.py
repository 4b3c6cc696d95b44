"""The sample art site, its server, a dataset made from it, and the demo run."""
