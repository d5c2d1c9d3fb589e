"""What the dialogs share in which a person decides in writing.

Nothing is filled in beforehand and the focus begins on Cancel. What is stored is drafted from the newest
view, and only if it is the one that the person has before their eyes: if what they decide about changes
meanwhile, the dialog says so, takes the confirmation back, and they look again.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from agent.decide import Refused
from agent.ledger.errors import LedgerError
from agent.watch import View
from checks.safe import safe
from tui.dialogs.fields import Field, line
from tui.dialogs.subject import GENERAL, Before, R, Subject
from tui.store import SHARE, ReadOnly
from tui.text import joined, shown
from tui.widgets.title import Title

PERIOD_S = 0.2
PATIENCE = timedelta(seconds=10)
"""How long what is shown may go without being judged anew while nothing new is stored."""


class Form(Subject[R]):
    """A dialog that makes one record of the ledger: shows, examines, stores. Subclasses say which."""

    CSS_PATH = ["form.tcss"]  # noqa: RUF012 - declared so by Textual
    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", id="form.save", tooltip="Store what is filled in"),
        Binding("escape", "cancel", "Cancel", id="form.cancel", tooltip="Close without storing anything"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._seen: Before | None = None
        self._view: View | None = None
        self._base: View | None = None
        """The store's view that `_view` was made of."""
        self._rest_until = 0.0
        """On the monotonic clock: while results arrive fast, showing them takes a share of the time only."""
        self._told: tuple[View, R | None, Content] | None = None
        """The preview that was made last, and of what."""
        self._changed = ""
        self._error = ""
        self._all = False
        """Ctrl+s was pressed: say every problem."""
        self._busy = False
        self._over = False

    async def newest(self) -> View:
        """Look once more and return what there is now; raises Refused, LedgerError."""
        self.store.refresh(lambda _: None)
        return self.now_of(self.store.view)

    # The screen

    def compose(self) -> ComposeResult:
        yield Title(id="title")
        with Vertical(id="box"):
            yield Static(id="heading")
            with VerticalScroll(id="fields", can_focus=False):
                yield Static(id="about")
                yield from self.parts()
                yield from self.fields()
                yield line("confirmation", "Confirm", most=100, hint=f"type {self.project} here")
            yield Static(id="changed")
            yield Static(id="preview")
            yield Static(id="state")
            with Horizontal(id="buttons"):
                yield Button(shown("Cancel  esc"), id="cancel", compact=True)
                yield Button(shown(f"{self.save_word}  ctrl+s"), id="save", compact=True)

    @property
    def focus_chain(self) -> list[Widget]:
        """Begin with Cancel, and go from there to the first field."""
        chain = super().focus_chain
        first = [widget for widget in chain if widget.id == "cancel"]
        return first + [widget for widget in chain if widget.id != "cancel"]

    def field(self, name: str) -> Field:
        """Return the field called `name`."""
        return self.query_one(f"#field-{name}", Field)

    def value(self, name: str) -> str:
        """Return what is filled in there."""
        return self.field(name).value

    def on_mount(self) -> None:
        self._meet(self.now_of(self.store.view))
        self.set_interval(PERIOD_S, self._poll)
        if self.store.read_only:
            self.app.notify(str(ReadOnly()), markup=False)
            self.leave()

    def _poll(self) -> None:
        """Look whether anything is new, or has grown old by itself."""
        if self._busy:
            self._tick()
        if self._busy or self._over:
            return
        now, view, begun = self.store.now(), self.store.view, time.monotonic()
        new = view is not self._base
        old = self._view is None or abs(now - self._view.picture.now) >= PATIENCE
        if begun < self._rest_until or not (new or old):
            self._tick()
            return
        self._meet(view if new and abs(now - view.picture.now) < PATIENCE else self.now_of(view))
        self._rest_until = begun + (time.monotonic() - begun) / SHARE

    def _tick(self) -> None:
        self.query_one(Title).show(
            self.store.view, self.name_of_page, now=self.store.now(), read_only=self.store.read_only
        )

    def _meet(self, view: View) -> bool:
        """Show a view; return whether what is decided about is still as the person saw it."""
        self._view, self._base = view, self.store.view
        now = self.before(view)
        same = self._seen is None or now == self._seen
        if self._seen is not None and not same:
            what = (
                f"It changed while you were writing: {self._seen.word} → {now.word}."
                if self._seen.word != now.word
                else f"Something new was seen while you were writing; it is {now.word} still."
            )
            self._changed = f"{what} Look again, then confirm anew."
            self.field("confirmation").clear()
            self.looked_away()
        self._seen = now
        self._tick()
        self.query_one("#heading", Static).update(self.heading(view))
        self.query_one("#about", Static).update(self.about(view))
        self._write()
        return same

    def on_input_changed(self) -> None:
        self._error = ""
        self._write()

    def on_choice_changed(self) -> None:
        self._error = ""
        self._write()

    def on_entry_cut(self) -> None:
        self._write()

    def _write(self) -> None:
        """Say what is wrong, what it would become, and why it cannot be stored yet."""
        view = self._view
        if view is None:
            return
        record, problems = self._examine(view)
        for field in self.query(Field):
            told = problems.get(field.field, "") if self._all or field.touched else ""
            field.say(told)
        self.explain(view)
        self._put("changed", joined((self._changed, "stale")))
        self._put("preview", self._previewed(view, record))
        self._put("state", self._state(problems))
        self.query_one("#save").set_class(bool(problems) or self._busy, "-not-yet")

    def _previewed(self, view: View, record: R | None) -> Content:
        blank: dict[str, Any] = dict.fromkeys(self.weightless, "")
        light = replace(record, **blank) if record is not None else None
        if self._told is None or self._told[0] is not view or self._told[1] != light:
            self._told = view, light, self.preview(view, record)
        return self._told[2]

    def _put(self, place: str, said: Content) -> None:
        widget = self.query_one(f"#{place}", Static)
        widget.update(said)
        widget.display = bool(said.plain)

    def _state(self, problems: dict[str, str]) -> Content:
        if self._busy:
            return joined(("It is being stored ...", "bold"))
        if self._error:
            return joined(("Not stored. ", "fail"), (self._error[:600], "warn"))
        if not problems:
            return joined("Complete: ", ("ctrl+s", "bold"), " stores it; what is stored stays.")
        if GENERAL in problems:
            return joined(("It cannot be stored: ", "bold"), (problems[GENERAL][:600], "warn"))
        first = next((problems[field.field] for field in self.query(Field) if field.field in problems), "")
        more = f" ({len(problems)} things are to do)" if len(problems) > 1 else ""
        return joined(("Not yet: ", "bold"), (first or next(iter(problems.values())))[:300], more)

    # Storing

    def _examine(self, view: View, *, typed: bool = False) -> tuple[R | None, dict[str, str]]:
        """Return the record that is filled in, and what is wrong with it.

        Without `typed` the record is for showing what it would become: it may lack the confirmation.
        """
        problems: dict[str, str] = {}
        record: R | None = None
        confirmed = self.value("confirmation").strip()
        try:
            record = self.draft(view, confirmed if typed else self.project)
        except Refused as refused:
            names = {field.field for field in self.query(Field)}
            for name, sentence in refused.problems.items():
                problems.setdefault(name if name in names else GENERAL, sentence)
        if confirmed != self.project:
            problems["confirmation"] = f"Type the project's id, {self.project}, to confirm."
        problems.update(self.problems(view))
        if view.problems:
            problems[GENERAL] = view.problems[0]
        if self.store.read_only:
            problems[GENERAL] = str(ReadOnly())
        return record, problems

    def action_save(self) -> None:
        """Store what is filled in, once, or say everything that is wrong."""
        if not self._busy and not self._over:
            self._busy, self._all, self._error = True, True, ""
            self.run_worker(self._save(), name="save")

    async def _save(self) -> None:
        record: R | None = None
        stored = False
        try:
            view = await self.newest()
            if self._meet(view):
                record, problems = self._examine(view, typed=True)
                if record is not None and not problems:
                    await self.store.write(record)
                    stored = True
        except Refused as refused:
            self._error = str(refused)
        except (LedgerError, ReadOnly, OSError) as error:
            self._error = str(error)
        if stored and record is not None:
            self.store.refresh(lambda _: None)
            self.finish(record)
            return
        self._busy = False
        self._write()
        self._go_to_problem()

    def _go_to_problem(self) -> None:
        view = self._view
        if view is None or self._error:
            return
        problems = self._examine(view)[1]
        for field in self.query(Field):
            if field.field in problems:
                field.control.focus()
                return

    def finish(self, record: R) -> None:
        """Close, and say in a line what was stored."""
        self.app.notify(safe(self.said(record), limit=300), markup=False)
        self.leave()

    def leave(self) -> None:
        """Close, once; what was opened over this dialog is left first."""
        self._over = True
        self.on_screen_resume()

    def on_screen_resume(self) -> None:
        if self._over and self.is_current:
            self.dismiss(None)

    def action_cancel(self) -> None:
        """Close without storing anything."""
        if not self._busy and not self._over:
            self.leave()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "save":
            self.action_save()
        elif event.button.id == "cancel":
            self.action_cancel()
