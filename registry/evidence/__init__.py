"""From a response to evidence: what carries marks, and what is sent in its place. Pure."""
