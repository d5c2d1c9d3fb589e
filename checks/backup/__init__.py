"""Backups, from "it is listed" to "it was restored": each says the rung of the proof ladder it reached."""
