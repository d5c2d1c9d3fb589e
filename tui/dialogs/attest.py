"""A person's statement for what cannot be measured."""

from __future__ import annotations

from textual.screen import ModalScreen


class AttestDialog(ModalScreen[None]):
    """See the module's docstring."""

    def __init__(self, check: str) -> None:
        super().__init__()
