"""One visit: its frontier, the images it waits for, the files of its sites, its counts."""
