"""What a site owner can read and do: a page about the crawler, and the list of refused hosts."""
