"""One screen a file, with its styles beside it."""
