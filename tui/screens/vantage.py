"""Where this laptop stands, and what it cannot test from there."""

from __future__ import annotations

from tui.page import Page


class VantagePage(Page):
    """See the module's docstring."""
