"""One check: expected, observed, evidence, fix, history."""

from __future__ import annotations

from collections.abc import Sequence

from tui.page import Page


class DetailPage(Page):
    """See the module's docstring."""

    def __init__(self, check: str, neighbours: Sequence[str]) -> None:
        super().__init__()
