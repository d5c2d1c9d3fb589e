"""Servers over SSH: the old one, the new one, and what differs between them."""
