"""The dashboard's themes. Each gives every `$look-*` variable; a look never stands for meaning alone."""

from __future__ import annotations

from textual.theme import BUILTIN_THEMES, Theme

LOOKS = ("title", "dim", "pass", "warn", "fail", "unproven", "running")
"""Each is the variable `$look-NAME`, a colour for text, in the order in which `_theme` takes them;
`$look-cursor` and `$look-cursor-away` lie behind."""


def _theme(
    name: str, *, background: str, panel: str, foreground: str, cursor: str, away: str, dark: bool = True,
    looks: str,
) -> Theme:  # fmt: skip
    by_name = dict(zip(LOOKS, looks.split(), strict=True))
    named = {f"look-{look}": colour for look, colour in by_name.items()}
    return Theme(
        name=name, primary=by_name["title"], secondary=by_name["running"], accent=by_name["title"],
        warning=by_name["warn"], error=by_name["fail"], success=by_name["pass"], foreground=foreground,
        background=background, surface=background, panel=panel, dark=dark,
        variables={**named, "look-cursor": cursor, "look-cursor-away": away},
    )  # fmt: skip


THEMES = (
    _theme(
        "gonogo", background="#10161c", panel="#1b2530", foreground="#d8dee6", cursor="#23405a",
        away="#26303a",
        looks="#7dc4e4 #a3acb8 #7fc97f #f0c040 #ff8a8a #d9a3ea #7dc4e4",
    ),
    _theme(
        "gonogo-light", background="#fbfbf8", panel="#ececea", foreground="#15191d", cursor="#cfe2f5",
        away="#e0e3e6", dark=False,
        looks="#0b4f78 #525960 #1a6320 #7a4a00 #b00020 #762a92 #0b4f78",
    ),
    _theme(
        "high-contrast", background="#000000", panel="#0d0d0d", foreground="#ffffff", cursor="#00306b",
        away="#262626",
        looks="#9fe3ff #dcdcdc #6bff6b #ffe14d #ffb3b3 #ffb8ff #9fe3ff",
    ),
    _theme(
        "colour-blind-safe", background="#10141a", panel="#1c232c", foreground="#d8dee6", cursor="#2a3b52",
        away="#29303a",
        looks="#cfd8e3 #a9b2bd #56b4e9 #f0e442 #ff8a3d #ffffff #8fd0ff",
    ),
    Theme(
        name="terminal", ansi=True, primary="ansi_blue", secondary="ansi_cyan", accent="ansi_blue",
        warning="ansi_yellow", error="ansi_red", success="ansi_green", foreground="ansi_default",
        background="ansi_default", surface="ansi_default", panel="ansi_default", boost="ansi_default",
        variables={
            **BUILTIN_THEMES["ansi-dark"].variables,
            "look-title": "ansi_cyan", "look-dim": "ansi_default", "look-pass": "ansi_green",
            "look-warn": "ansi_yellow", "look-fail": "ansi_red", "look-unproven": "ansi_magenta",
            "look-running": "ansi_cyan", "look-cursor": "ansi_blue", "look-cursor-away": "ansi_bright_black",
            "input-cursor-text-style": "reverse",
        },
    ),
)  # fmt: skip
"""The first one is the one that is used unless the config names another; `terminal` has the terminal's own
sixteen colours."""
DEFAULT = THEMES[0].name
