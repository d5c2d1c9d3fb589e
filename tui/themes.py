"""The dashboard's themes. Each gives every `$look-*` variable; a look never stands for meaning alone."""

from __future__ import annotations

from textual.theme import Theme

_NIGHT = {
    "look-title": "#7dc4e4", "look-dim": "#8a93a0", "look-pass": "#7fc97f", "look-warn": "#f0c040",
    "look-fail": "#ff6b6b", "look-unproven": "#d79be8", "look-running": "#7dc4e4",
    "look-cursor": "#2c4a63", "look-cursor-away": "#26303a",
}  # fmt: skip

THEMES = (
    Theme(
        name="gonogo", primary="#7dc4e4", background="#10161c", surface="#10161c", panel="#1b2530",
        foreground="#d8dee6", dark=True, variables=_NIGHT,
    ),
)  # fmt: skip
DEFAULT = "gonogo"
