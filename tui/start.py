"""Opening the dashboard in this terminal, and what it says when it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.common import usage
from agent.plan import Plan

if TYPE_CHECKING:
    from tui.config import Config

os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")
"""Read when Textual is imported. A program that is killed would leave the terminal with that protocol on:
whatever is typed then comes out as numbers."""


def settings() -> Config:
    """Return the person's own settings, or end with what is wrong with their file and exit code 2."""
    from profiles.problems import Problems
    from tui.config import config_path, load_config

    try:
        return load_config(config_path())
    except Problems as problems:
        usage(str(problems))


def start(file: Path, plan: Plan, config: Config, *, read_only: bool = False) -> int:
    """Show the dashboard until it is closed; return the exit code. Raises what broke it, if something did."""
    if "TEXTUAL_DRIVER" not in os.environ and not on_a_terminal():
        usage(
            "The dashboard needs a terminal: 'gonogo status FILE --plain' says the same, "
            "and '--json' for programs."
        )
    from tui.app import Dashboard
    from tui.encoding import forgive

    forgive()
    dashboard = Dashboard(file, plan, read_only=read_only, theme=config.theme, keymap=config.keymap)
    dashboard.run()
    if dashboard.failure is not None:
        raise dashboard.failure
    return dashboard.return_code or 0


def on_a_terminal() -> bool:
    """Return whether keys can be read and a screen be drawn: Textual draws on the error stream."""
    streams = (sys.__stdin__, sys.__stderr__)
    return os.environ.get("TERM") != "dumb" and all(item is not None and item.isatty() for item in streams)
