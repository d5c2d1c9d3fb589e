"""The first line of every screen: project, countdown and verdict of the current milestone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.content import Content
from textual.widgets import Static

from agent.board import current
from agent.verdict import GOES, MilestoneVerdict, Verdict
from agent.watch import View
from tui.text import joined
from tui.widgets.cells import harmless

CANNOT_TELL = "CANNOT TELL"
CLOCK_MATTERS_S = 1.0
"""From here on the clock of the laptop that ran the checks is said to be off."""
_LONGEST_ID = 60
_GIVE_UP = (
    ("brand", 1), ("page", 0), ("project", 25), ("milestone", 25), ("brand", 0), ("project", 13),
    ("milestone", 13), ("countdown", 16), ("project", 0), ("clock", 0), ("read only", 3), ("frozen", 7),
    ("milestone", 0), ("read only", 0), ("countdown", 0), ("frozen", 2), ("frozen", 0),
)  # fmt: skip
"""Which part gets by with how many cells, in this order, until the line fits; the verdict never does."""

Form = tuple[str, str]
"""Harmless text and the name of its look."""


class Title(Static):
    """`gonogo  hq-2026-11  T-04:12:07 to 22:30 CET  ready  NO-GO`; a problem takes the verdict's place."""

    DEFAULT_CSS = "Title { height: 1; dock: top; background: $panel; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(Content(""), id=id)
        self._parts: dict[str, list[Form]] = {}
        self._written = Content("")

    def show(
        self, view: View, page: str = "", *, now: datetime | None = None, read_only: bool = False,
        frozen: datetime | None = None,
    ) -> None:  # fmt: skip
        """Write the line anew; `frozen` is when the page below it stopped moving, if it did."""
        self._parts = parts_of(view, page, now=now or view.picture.now, read_only=read_only, frozen=frozen)
        self._write()

    def on_resize(self, _: events.Resize) -> None:
        self._write()

    def _write(self) -> None:
        line = Content(" ").join([joined(form) for form in fitted(self._parts, self.size.width)])
        if line != self._written:
            self._written = line
            self.update(line)


def verdict_now(view: View, now: datetime) -> tuple[MilestoneVerdict, str, str]:
    """Return the current milestone, the word for its verdict at `now`, and the word's look.

    While something is wrong with what the view was made of, and once the time of a GO is over, nobody can
    tell.
    """
    picture = view.picture
    item = current(picture.verdicts, view.decisions, picture.now)
    ended = item.verdict in GOES and item.until is not None and item.until < now
    if view.problems or ended:
        return item, CANNOT_TELL, Verdict.INCOMPLETE.value
    return item, item.verdict.value, item.verdict.value


def parts_of(
    view: View, page: str, *, now: datetime, read_only: bool = False, frozen: datetime | None = None
) -> dict[str, list[Form]]:
    """Return the parts of the title in their order, each in its forms from the longest to the shortest."""
    picture, zone = view.picture, view.picture.plan.project.timezone
    item, verdict, look = verdict_now(view, now)
    due = item.milestone.due
    until = countdown(due, now, zone)
    clock = picture.run.vantage.clock_offset_s if picture.run is not None else None
    off = clock is not None and abs(clock) > CLOCK_MATTERS_S
    since = f"FROZEN {frozen.astimezone(ZoneInfo(zone)):%H:%M:%S}" if frozen is not None else ""
    return {
        "brand": [(" gonogo ", "title"), (" ", "")],
        "project": _named(picture.plan.project.id, "bold"),
        "countdown": _forms([until, until.partition(" to ")[0].partition(" since ")[0]]),
        "milestone": _named(item.milestone.id, ""),
        "verdict": [(f" {verdict} ", look), (verdict, look)],
        "frozen": _forms([since, "FROZEN" if since else "", "F" if since else ""], "bold"),
        "read only": _forms(["read only", "ro"] if read_only else []),
        "clock": _forms([f"clock {clock:+.1f} s" if off else ""], "warn"),
        "page": _forms([page], "dim"),
    }  # fmt: skip


def _named(raw: str, look: str) -> list[Form]:
    whole = harmless(raw, most=_LONGEST_ID)
    forms = [whole] if cell_len(whole) <= _LONGEST_ID else []
    forms += [cropped(whole, room) for room in (24, 12) if cell_len(whole) > room]
    return _forms(forms, look)


def _forms(texts: Iterable[str], look: str = "") -> list[Form]:
    return [(f"{text} ", look) for text in texts if text]


def cropped(text: str, room: int) -> str:
    """Return harmless text in at most `room` cells; a `~` says that there was more."""
    if cell_len(text) <= room:
        return text
    return f"{set_cell_size(text, room - 1)}~" if room > 0 else ""


def fitted(parts: dict[str, list[Form]], width: int) -> list[Form]:
    """Return the parts that fit into `width` cells, a space between them.

    A verdict that does not fit is not shown at all: half of it could read as another one.
    """
    shown = {name: forms[0] for name, forms in parts.items() if forms}
    for name, room in _GIVE_UP:
        if _cells(shown.values()) <= width:
            break
        fits = next((form for form in parts[name] if cell_len(form[0]) <= room), None)
        if fits is not None:
            shown[name] = fits
        else:
            shown.pop(name, None)
    if _cells(shown.values()) <= width:
        return list(shown.values())
    return [form for form in parts["verdict"] if cell_len(form[0]) <= width][:1]


def _cells(forms: Iterable[Form]) -> int:
    return sum(cell_len(text) + 1 for text, _ in forms) - 1


def countdown(due: datetime | None, now: datetime, zone: str) -> str:
    """Return `T-04:12:07 to 22:30 CET`, `T+00:10:00 since 22:30 CET` when past.

    On another day of the project it is named; from 48 hours on there are days, and the date.
    """
    if due is None:
        return "no date"
    seconds = int((due - now).total_seconds())
    sign, word, left = ("-", "to", seconds) if seconds >= 0 else ("+", "since", -seconds)
    days, rest = divmod(left, 86400)
    hours, minutes, secs = rest // 3600, rest % 3600 // 60, rest % 60
    local = due.astimezone(ZoneInfo(zone))
    if days >= 2:
        return f"T{sign}{days}d {hours:02}:{minutes:02} {word} {local:%a} {local.day} {local:%b %H:%M %Z}"
    day = "" if local.date() == now.astimezone(local.tzinfo).date() else f"{local:%a} "
    return f"T{sign}{hours + 24 * days:02}:{minutes:02}:{secs:02} {word} {day}{local:%H:%M %Z}"
