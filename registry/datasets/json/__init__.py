"""Tables in JSON texts: their shapes, elements and columns, and files in which rows are kept."""
