"""The dated list of AI agents, and its differences from another list. Pure."""
