"""The timeline: the project's milestones in the order of their due times, with verdicts and counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from textual import events
from textual.message import Message

from agent.accepted import decided, last_words
from agent.board import Tally, done, holds, tally, timeline
from agent.records import Decision
from agent.verdict import MilestoneVerdict, Standing, Verdict
from agent.watch import View
from checks.dataclass import dataclass
from checks.words import span
from tui.widgets.listing import Cell, Column, Listing

CANNOT_TELL = "CANNOT TELL"
VERDICT_SIGNS = {
    Verdict.GO.value: "OK", Verdict.GO_WITH_WAIVERS.value: "W ", Verdict.NO_GO.value: "!!",
    Verdict.INCOMPLETE.value: "??", CANNOT_TELL: "??",
}  # fmt: skip
_SHORT = {Verdict.GO_WITH_WAIVERS.value: "GO+WAIVERS"}
COUNTED = (
    (Standing.PASS, "PASS"), (Standing.WARN, "WARN"), (Standing.FAIL, "FAIL"), (Standing.INCONCLUSIVE, "INC"),
    (Standing.BLOCKED, "BLK"), (Standing.STALE, "STALE"), (Standing.NOT_RUN, "UNRUN"),
)  # fmt: skip
MOST_LINES = 6
WIDE, WIDEST = 100, 132
"""From so many cells on, due times and signatures have columns of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One milestone, as far as the timeline tells of it."""

    number: int
    item: MilestoneVerdict
    tally: Tally
    signed: Decision | None
    done: bool
    verdict: str
    """The word shown: no GO while something is wrong with what it rests on."""
    telling: bool
    """Whether what is known can be told without doubt."""
    still: bool
    """It is of a moment that is over: the page stands still."""

    @property
    def id(self) -> str:
        """Return the milestone's id."""
        return self.item.milestone.id

    @property
    def signature(self) -> str:
        """Return what was signed by whom; raw text."""
        if self.signed is None:
            return ""
        return f"{decided(self.signed) or self.signed.verdict} {self.signed.by}"


def lines(view: View, now: datetime, *, still: bool = False) -> list[Line]:
    """Return the timeline as it can be told at `now`; `still` takes the colours from its verdicts."""
    picture = view.picture
    judged = {item.milestone.id: item for item in picture.verdicts}
    signed = last_words(view.decisions, picture.now)
    found: list[Line] = []
    for milestone in timeline(item.milestone for item in judged.values()):
        item = judged[milestone.id]
        telling = not view.problems and holds(item, now)
        found.append(
            Line(
                number=len(found) + 1, item=item, tally=tally(item), signed=signed.get(milestone.id),
                done=telling and done(item, signed, picture.now), telling=telling,
                verdict=item.verdict.value if telling else CANNOT_TELL, still=still,
            )
        )  # fmt: skip
    return found


def verdict_cell(line: Line, *, short: bool = False) -> Cell:
    """Return sign and word of a verdict."""
    word = _SHORT.get(line.verdict, line.verdict) if short else line.verdict
    look = line.verdict if line.telling else Verdict.INCOMPLETE.value
    return f"{VERDICT_SIGNS[line.verdict]} {word}", "dim" if line.still else look


def local(moment: datetime, zone: str) -> str:
    """Return `Sat 5 Dec 22:30 CET`."""
    there = moment.astimezone(ZoneInfo(zone))
    return f"{there:%a} {there.day} {there:%b %H:%M %Z}"


def distance(line: Line, now: datetime) -> str:
    """Return `in 4 h 12 min`, `overdue 3 d`, `done`, `signed`."""
    due = line.item.milestone.due
    if line.done:
        return "signed" if line.signed is not None else "done"
    if due is None:
        return "no date"
    seconds = (due - now).total_seconds()
    return f"in {span(int(seconds))}" if seconds >= 0 else f"overdue {span(int(-seconds))}"


def brief(line: Line, now: datetime) -> str:
    """Return the same in at most eight letters: `in 4h12m`, `late 3d`."""
    due = line.item.milestone.due
    if line.done or due is None:
        return distance(line, now)
    seconds = int((due - now).total_seconds())
    word, left = ("in", seconds) if seconds >= 0 else ("late", -seconds)
    days, hours, minutes = left // 86400, left // 3600, left // 60 % 60
    if days >= 2:
        return f"{word} {days}d"
    if hours >= 10 or (hours and word == "late"):
        return f"{word} {hours}h"
    return f"{word} {hours}h{minutes:02}m" if hours else f"{word} {left // 60}m"


class Timeline(Listing[Line], can_focus=False):
    """A table of milestones; the selected one is marked and in sight."""

    DEFAULT_CSS = f"Timeline {{ height: auto; max-height: {MOST_LINES + 1}; }}"

    class Picked(Message):
        """A person clicked on a milestone."""

        def __init__(self, milestone: str) -> None:
            super().__init__()
            self.milestone = milestone

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__([], key=lambda line: line.id, paint=self._cells_of, id=id)
        self._now = datetime.now(UTC)
        self._zone = "UTC"
        self._signed = False

    def show(self, found: Sequence[Line], selected: str, now: datetime, zone: str) -> None:
        """Show the milestones at `now`, `selected` among them."""
        self._now, self._zone = now, zone
        self._signed = any(line.signed is not None for line in found)
        self.lay_out(self._columns(found))
        self.put(found)
        self.go_to(selected)

    def on_click(self, event: events.Click) -> None:
        """Select the milestone below the pointer."""
        event.prevent_default()
        place = event.y + self.scroll_offset.y - 1
        if event.button <= 1 and event.y > 0 and place < len(self.items):
            self.post_message(self.Picked(self.items[place].id))

    def on_resize(self) -> None:
        self.lay_out(self._columns(self.items))

    def _columns(self, found: Iterable[Line]) -> list[Column]:
        tallies = [line.tally for line in found]
        longest = {kind: max((len(str(t.counts[kind])) for t in tallies), default=1) for kind, _ in COUNTED}
        waived = max((len(str(t.waived)) for t in tallies), default=1)
        columns = [Column("", 5), Column("MILESTONE")]
        width = self.size.width
        if width < WIDE:
            columns += [Column("WHEN", 9), Column("VERDICT", 15)]
        elif width < WIDEST:
            columns += [Column("WHEN", 16), Column("VERDICT", 20)]
        else:
            due = f"DUE {self._zone}"
            columns += [Column(due, max(17, len(due) + 1)), Column("WHEN", 17), Column("VERDICT", 20)]
            columns += [Column("SIGNED", 20)] if self._signed else []
        columns += [Column(word, max(longest[kind], len(word)) + 1, right=True) for kind, word in COUNTED]
        return [*columns, Column("WAIV", max(waived, 4) + 1, right=True)]

    def _cells_of(self, line: Line) -> list[Cell]:
        width, here = self.size.width, self.chosen is line
        name, title = line.id, line.item.milestone.title
        cells: list[Cell] = [
            (f"{'>' if here else ' '}{line.number:>3}", "bold" if here else ""),
            (name if width < WIDE or title == name else f"{name}  {title}", "bold" if here else ""),
        ]
        late = not line.done and line.item.milestone.due is not None and line.item.milestone.due < self._now
        look = "warn" if late else "dim" if line.done else ""
        if width < WIDE:
            cells += [(brief(line, self._now), look), verdict_cell(line, short=True)]
        elif width < WIDEST:
            cells += [(distance(line, self._now), look), verdict_cell(line)]
        else:
            due = line.item.milestone.due
            there = local(due, self._zone).rpartition(" ")[0] if due is not None else "-"
            cells += [(there, look), (distance(line, self._now), look), verdict_cell(line)]
            cells += [(line.signature, "")] if self._signed else []
        cells += [self._count(line.tally.counts[kind], kind.value, line) for kind, _ in COUNTED]
        return [*cells, self._count(line.tally.waived, "waived", line)]

    def _count(self, number: int, look: str, line: Line) -> Cell:
        if number == 0:
            return "0", "dim"
        well = look == Standing.PASS.value
        return str(number), "" if well and (line.still or not line.telling) else look
