"""When sites are visited: rules, nights, and estimates of the rate of change. Pure."""
