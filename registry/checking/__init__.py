"""The main job: tell for every row of a dataset whether it is reserved, and why."""
