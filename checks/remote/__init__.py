"""What the checks that look at a server over SSH have in common."""
