"""Text files of rows: blocks of lines, the form and rows of CSV, rows kept byte by byte."""
