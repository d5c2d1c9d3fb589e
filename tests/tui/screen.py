"""Looking at the app's screen in tests: its text, and snapshots of text and looks kept as plain files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SNAPSHOTS = Path(__file__).parent / "snapshots"
WRITE = "GONOGO_SNAPSHOTS"


def text(app) -> str:
    """Return what the screen shows, line by line, without the spaces at the ends of lines."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in _lines(app)) + "\n"


def looks(app) -> str:
    """Return the text and, below it, a letter for the style of each cell, with a legend."""
    legend: dict[str, str] = {}
    rows = []
    for line in _lines(app):
        row = ""
        for piece, style in line:
            letter = legend.setdefault(style, chr(ord("a") + len(legend)) if len(legend) < 26 else "?")
            row += letter * len(piece)
        rows.append(row)
    key = "".join(f"{letter} = {style}\n" for style, letter in legend.items())
    return f"{text(app)}\n{chr(10).join(rows)}\n\n{key}"


def _lines(app):
    for strip in app.screen._compositor.render_strips():
        yield [(segment.text, str(segment.style or "")) for segment in strip]


def check_snapshot(app, name: str) -> None:
    """Compare with `snapshots/NAME.txt`; GONOGO_SNAPSHOTS=write keeps what is shown now."""
    kept = SNAPSHOTS / f"{name}-{app.size.width}x{app.size.height}.txt"
    now = looks(app)
    if os.environ.get(WRITE) == "write":
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(now, encoding="utf-8")
        return
    if not kept.exists():
        pytest.fail(f"There is no snapshot {kept.name}: make it with {WRITE}=write, and look at it.")
    assert now == kept.read_text(encoding="utf-8")
