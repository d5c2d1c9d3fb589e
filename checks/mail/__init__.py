"""Checks of mail for a domain: who receives it, who may send it, and how it is protected."""
