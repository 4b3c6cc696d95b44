"""How requests are sent: robots.txt, pace, bounds, DNS, and the reasons for refused requests."""
