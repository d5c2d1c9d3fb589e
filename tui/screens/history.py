"""Runs and baselines; any two are compared."""

from __future__ import annotations

from tui.page import Page


class HistoryPage(Page):
    """See the module's docstring."""
