"""Where evidence comes from, and what the answers of sites mean."""
