"""Recorded data that may lie beside the repository; tests read it where it is there and never need it."""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
