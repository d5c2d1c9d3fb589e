"""A waiver: an accepted risk, in writing, by two people."""

from __future__ import annotations

from textual.screen import ModalScreen


class WaiveDialog(ModalScreen[None]):
    """See the module's docstring."""

    def __init__(self, check: str) -> None:
        super().__init__()
