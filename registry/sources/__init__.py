"""The sources of evidence: the web, archives and saved pages; the meaning of responses."""
