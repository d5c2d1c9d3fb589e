"""The sign-off of a milestone."""

from __future__ import annotations

from textual.screen import ModalScreen


class SignDialog(ModalScreen[None]):
    """See the module's docstring."""

    def __init__(self, milestone: str) -> None:
        super().__init__()
