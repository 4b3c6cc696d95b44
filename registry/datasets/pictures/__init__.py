"""Files of pictures: rows of them, tables and texts beside them, and copies of kept ones."""
