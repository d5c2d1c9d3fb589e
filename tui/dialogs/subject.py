"""What a dialog is about in which a person decides in writing: what `Form` asks of each of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget

from agent.decide import as_of
from agent.records import Decision, Waiver
from agent.watch import View
from checks.dataclass import dataclass
from checks.vantage import Attestation
from tui.dialogs.fields import Field
from tui.store import Store

if TYPE_CHECKING:
    from tui.app import Dashboard

GENERAL = ""
"""The field of a problem that is about none of the fields."""
R = TypeVar("R", Waiver, Attestation, Decision)


@dataclass(frozen=True, slots=True)
class Before:
    """What a person has before their eyes when they decide."""

    word: str
    """The standing or verdict, in a word."""
    facts: tuple[object, ...]
    """Everything else that must still be so when it is stored."""


class Subject(ModalScreen[None], Generic[R]):
    """The half of a dialog that knows what is decided."""

    name_of_page = ""
    save_word = "Save"
    weightless: tuple[str, ...] = ()
    """Fields of the record that no verdict depends on: while they are typed nothing is judged anew."""

    def fields(self) -> Sequence[Field]:
        """Return the fields, in the order they are filled in; the confirmation follows them."""
        raise NotImplementedError

    def heading(self, view: View) -> Content:
        """Return what is decided about, in a line."""
        raise NotImplementedError

    def about(self, view: View) -> Content:
        """Return what there is to know before deciding."""
        raise NotImplementedError

    def before(self, view: View) -> Before:
        """Return what the person has before their eyes in `view`."""
        raise NotImplementedError

    def draft(self, view: View, confirmation: str) -> R:
        """Return the record as filled in; raises Refused."""
        raise NotImplementedError

    def preview(self, view: View, record: R | None) -> Content:
        """Return what the gate would become with `record`; None while there are problems."""
        raise NotImplementedError

    def said(self, record: R) -> str:
        """Return the sentence that tells of the stored record."""
        raise NotImplementedError

    def parts(self) -> Iterable[Widget]:
        """Return what else stands above the fields."""
        return ()

    def problems(self, view: View) -> dict[str, str]:
        """Return what else keeps it from being stored, by field."""
        return {}

    def explain(self, view: View) -> None:
        """Say beside the fields what they are understood as."""

    def looked_away(self) -> None:
        """Take back what was confirmed of something that is no longer so."""

    def now_of(self, view: View) -> View:
        """Return `view` as it stands at this moment."""
        return as_of(view, self.store.now())

    @property
    def store(self) -> Store:
        """Return the store."""
        return cast("Dashboard", self.app).store

    @property
    def project(self) -> str:
        """Return the project's id, which confirms."""
        return self.store.plan.project.id
