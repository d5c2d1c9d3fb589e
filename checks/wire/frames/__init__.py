"""Ethernet frames: capture and sending on every system, and bounded decoders for what switches announce."""
