"""Which run to start."""

from __future__ import annotations

from collections.abc import Sequence

from textual.screen import ModalScreen


class RunDialog(ModalScreen[None]):
    """See the module's docstring."""

    def __init__(self, checks: Sequence[str], milestone: str) -> None:
        super().__init__()
