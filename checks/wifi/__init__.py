"""Checks of the Wi-Fi, heard by this laptop's radio."""
