"""One visit: the links to follow, the images and site files to fetch, and its end."""
