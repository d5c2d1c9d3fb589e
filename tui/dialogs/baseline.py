"""A name for a run, to compare others with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button

from agent.decide import Refused
from agent.diff import MOST_CHARACTERS
from agent.ledger.errors import LedgerError
from agent.records import RunRecord
from checks.safe import safe
from tui.dialogs.ask import Ask
from tui.dialogs.fields import Field, line
from tui.store import ReadOnly
from tui.text import shown
from tui.widgets.words import Words


class BaselineDialog(Ask[None]):
    """Asks for the name and who gives it; nothing is filled in, and the focus begins on Cancel."""

    CSS_PATH: ClassVar[str] = "baseline.tcss"
    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", id="baseline.save", tooltip="Keep the name"),
    ]
    name_of_page = "baseline"
    help_text = "Gives a run a name to compare with: handover, old-office, before-the-change."

    def __init__(self, run: RunRecord) -> None:
        super().__init__()
        self._run = run
        self._busy = False

    def body(self) -> Iterable[Widget]:
        yield Words(id="run")
        yield line("name", "Name", most=MOST_CHARACTERS)
        yield line("by", "By", most=MOST_CHARACTERS)
        yield Words(id="said")
        with Horizontal(id="buttons"):
            yield Button(shown("Cancel  esc"), id="cancel", compact=True)
            yield Button(shown("Save  ctrl+s"), id="save", compact=True)

    @property
    def focus_chain(self) -> list[Widget]:
        """Begin with Cancel, and go from there to the first field."""
        chain = super().focus_chain
        first = [widget for widget in chain if widget.id == "cancel"]
        return first + [widget for widget in chain if widget.id != "cancel"]

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#run", Words).tell(
            [("A name for the run ", ""), (self._run.id, "bold"), (f" from {self._run.vantage.name}", "")]
        )

    def on_input_changed(self) -> None:
        for field in self.query(Field):
            field.say("")

    def action_save(self) -> None:
        """Keep the name, once, or say what is wrong."""
        if not self._busy:
            self._busy = True
            self.run_worker(self._save(), name="save")

    async def _save(self) -> None:
        problems: dict[str, str] = {}
        name, by = (self.query_one(f"#field-{field}", Field).value for field in ("name", "by"))
        try:
            baseline = await self.store.draft_baseline(name, self._run.id, by)
            await self.store.write(baseline)
        except Refused as refused:
            problems = refused.problems
        except (LedgerError, ReadOnly, OSError) as error:
            problems = {"": f"Not stored. {error}"}
        else:
            said = f"{baseline.name} is the run {baseline.run} from now on."
            self.app.notify(safe(said, limit=300), markup=False)
            self.dismiss(None)
            return
        finally:
            self._busy = False
        for field in self.query(Field):
            field.say(problems.pop(field.field, ""))
        self.query_one("#said", Words).tell([(problem, "warn") for problem in problems.values()])

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "save":
            self.action_save()
        else:
            self.action_leave()
