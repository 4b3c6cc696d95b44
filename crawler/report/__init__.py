"""What people are told of a visit: while it runs, and after it."""
