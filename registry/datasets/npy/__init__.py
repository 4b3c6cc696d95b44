"""Arrays of NumPy: numbers of rows, and subsets of DataComp by their identifiers."""
