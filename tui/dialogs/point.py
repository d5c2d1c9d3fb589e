"""Where a person stands on a floor, before a point of the survey is measured there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button

from agent.survey.surveyed import Place, place_problems
from checks.survey import SurveyPoint
from tui.dialogs.ask import Ask
from tui.dialogs.fields import Field, line
from tui.text import shown
from tui.widgets.words import Words

NAMES = ("name", "floor", "x", "y", "by")


class PointDialog(Ask[Place | None]):
    """Asks for name and place; floor and person are filled in as the last point has them."""

    CSS_PATH: ClassVar[str] = "point.tcss"
    AUTO_FOCUS = "#name"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Measure", id="point.save", tooltip="Measure here"),
    ]
    name_of_page = "point"
    help_text = "Says where you stand. Stay there until the scans are done."

    def __init__(self, floor: str, like: SurveyPoint | None) -> None:
        super().__init__()
        self._floor = floor
        self._like = like

    def body(self) -> Iterable[Widget]:
        yield Words(id="where")
        yield line("name", "Name", most=60)
        yield line("floor", "Floor", most=60)
        yield line("x", "x", most=12)
        yield line("y", "y", most=12)
        yield line("by", "By", most=80)
        yield Words(id="said")
        with Horizontal(id="buttons"):
            yield Button(shown("Cancel  esc"), id="cancel", compact=True)
            yield Button(shown("Measure  ctrl+s"), id="save", compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        like = self._like
        on_plan = f"pixels of {like.plan}" if like is not None and like.plan_sha256 else "metres"
        self.query_one("#where", Words).tell(
            [("Where do you stand? ", "bold"), (f"x and y are {on_plan}, from the upper left corner.", "")]
        )
        self._fill("floor", self._floor)
        self._fill("by", like.by if like is not None else "")

    def _fill(self, name: str, value: str) -> None:
        self.query_one(f"#{name}").value = value  # type: ignore[attr-defined]

    def on_input_changed(self) -> None:
        for field in self.query(Field):
            field.say("")

    def action_save(self) -> None:
        """Close with the place, or say what is wrong."""
        said = {name: self.query_one(f"#field-{name}", Field).value for name in NAMES}
        place = Place(
            name=said["name"], floor=said["floor"], x=_number(said["x"]), y=_number(said["y"]), by=said["by"]
        )
        same = self._like if self._like is not None and self._like.floor == place.floor.strip() else None
        problems = place_problems(place, same)
        if not problems:
            self.dismiss(place)
            return
        for field in self.query(Field):
            field.say(problems.pop(field.field, ""))
        self.query_one("#said", Words).tell([(problem, "warn") for problem in problems.values()])

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "save":
            self.action_save()
        else:
            self.action_leave()


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return float("nan")
