"""Learning the plan of a new office from the switches of the old one."""
