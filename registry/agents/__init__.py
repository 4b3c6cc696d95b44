"""Who asks: the dated list of AI agents, and how another list differs from it. Pure."""
