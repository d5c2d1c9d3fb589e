"""A run that goes on: progress, what is in flight, failures as they happen."""

from __future__ import annotations

from tui.page import Page


class LivePage(Page):
    """See the module's docstring."""
