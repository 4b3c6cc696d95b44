"""What sites publish about their pages: sitemaps and feeds, with the dates of changes. Pure."""
