"""Checks of a Microsoft 365 tenant and of the way to it."""
