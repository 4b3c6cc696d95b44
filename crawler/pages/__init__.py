"""The content of a page: its images in all their sizes, and its links. Pure."""
