"""The only spelling of URLs, hosts and sites. Pure."""
