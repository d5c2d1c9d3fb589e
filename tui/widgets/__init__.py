"""The parts that screens are made of; none of them judges, reads or writes."""
