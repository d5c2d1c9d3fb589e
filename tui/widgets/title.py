"""The first line of every screen: project, countdown and verdict of the current milestone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from textual.widgets import Static

from agent.board import current
from agent.watch import View
from tui.text import joined


class Title(Static):
    """`gonogo  hq-2026-11  T-04:12:07 to 22:30 CET  ready NO-GO`; a problem takes the verdict's place."""

    DEFAULT_CSS = "Title { height: 1; dock: top; background: $panel; }"

    def show(self, view: View, page: str = "") -> None:
        """Write the line anew."""
        picture = view.picture
        item = current(picture.verdicts, view.decisions, picture.now)
        verdict = "CANNOT TELL" if view.problems else item.verdict.value
        look = "INCOMPLETE" if view.problems else item.verdict.value
        self.update(
            joined(
                (" gonogo ", "title"), (picture.plan.project.id, "bold"), "  ",
                countdown(item.milestone.due, picture.now, picture.plan.project.timezone), "  ",
                (item.milestone.id, ""), " ", (f" {verdict} ", look), ("   " + page, "dim"),
            )
        )  # fmt: skip


def countdown(due: datetime | None, now: datetime, zone: str) -> str:
    """Return `T-04:12:07 to 22:30 CET`, with days from 48 hours on; `T+` once it is past."""
    if due is None:
        return "no date"
    seconds = int((due - now).total_seconds())
    sign, left = ("-", seconds) if seconds >= 0 else ("+", -seconds)
    days, rest = divmod(left, 86400)
    hours, minutes, secs = rest // 3600, rest % 3600 // 60, rest % 60
    local = due.astimezone(ZoneInfo(zone))
    if days >= 2:
        return f"T{sign}{days}d {hours:02}:{minutes:02} to {local:%a} {local.day} {local:%b %H:%M %Z}"
    return f"T{sign}{hours + 24 * days:02}:{minutes:02}:{secs:02} to {local:%H:%M %Z}"
