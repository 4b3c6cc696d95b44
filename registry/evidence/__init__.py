"""From a response to evidence: carriers, decoding, and pages sent in place of a file. Pure."""
