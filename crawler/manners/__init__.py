"""How sites are asked: robots.txt, pace, bounds, names, and why something was not asked for."""
