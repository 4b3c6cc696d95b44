"""What a page shows: its images in all their sizes, its links, and the text around them. Pure."""
