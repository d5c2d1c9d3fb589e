"""Two sides compared, regressions first."""

from __future__ import annotations

from tui.page import Page


class DiffPage(Page):
    """See the module's docstring."""

    def __init__(self, before: str, after: str) -> None:
        super().__init__()
