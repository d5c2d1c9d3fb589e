"""The line that tells of the dashboard itself: the newest run, where it was seen from, what is wrong here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from textual.content import Content
from textual.widgets import Static

from agent.live import LiveRun, eta_s, what_became
from agent.watch import View
from checks.words import Status, span
from tui.text import joined
from tui.widgets.cells import cut, harmless

CLOCK_MATTERS_S = 1.0
_BECAME = {
    "finished": ("finished", ""), "cancelled": ("was cancelled,", "inconclusive"),
    "killed": ("was killed,", "inconclusive"), "goes on": ("begins,", "running"),
}  # fmt: skip
_ID, _NAME = 12, 24

Part = tuple[str, str]


class StatusLine(Static):
    """`run 8f3a finished 18:15, 2 min ago   from laptop-7   move.yaml ok`."""

    DEFAULT_CSS = "StatusLine { height: 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(Content(""), id=id)
        self._told: tuple[Part, ...] = ()

    def show(self, view: View, now: datetime, *, file: str, frozen: datetime | None, said: str = "") -> None:
        """Write the line: `file` is the project file's name, `said` what the last key did."""
        parts = tuple(parts_of(view, now, file=file, frozen=frozen, said=said))
        if parts != self._told:
            self._told = parts
            self.update(joined(*parts), layout=False)


def parts_of(
    view: View, now: datetime, *, file: str, frozen: datetime | None, said: str = ""
) -> Iterator[Part]:
    """Yield raw texts with looks, what matters most first: the line may be cut at its end."""
    zone = ZoneInfo(view.picture.plan.project.timezone)
    if frozen is not None:
        since = f"{frozen.astimezone(zone):%H:%M:%S %Z}"
        old = span(int(max(0.0, (now - frozen).total_seconds())))
        yield f" FROZEN since {since}, {old} ago: this may be over; space goes on ", "fail"
        yield "  ", ""
    elif said:
        yield f" {said} ", "running"
        yield "  ", ""
    yield from _runs(view, now, zone)
    run = view.picture.run
    if run is not None:
        yield f"  from {cut(harmless(run.vantage.name), _NAME)}", ""
    short = cut(harmless(file), _NAME)
    yield ("  CANNOT TELL, see above", "fail") if view.problems else (f"  {short} ok", "dim")
    offset = run.vantage.clock_offset_s if run is not None else None
    if offset is not None and abs(offset) > CLOCK_MATTERS_S:
        yield f"  clock {offset:+.1f} s", "warn"


def _runs(view: View, now: datetime, zone: ZoneInfo) -> Iterator[Part]:
    if view.runs:
        lengths = {name: told.duration_s for name, told in view.picture.results.items()}
        yield f" {progress(view.runs[0], lengths, now)}", "running"
        if len(view.runs) > 1:
            yield f"  and {len(view.runs) - 1} more", "running"
        return
    run = view.picture.run
    if run is None:
        yield " Nothing was run yet", "not run"
        return
    word, look = _BECAME[what_became(run, view.runs, now)]
    at = run.finished or run.started
    yield f" run {short_id(run.id)} {word} {at.astimezone(zone):%H:%M}", look
    ago = (now - at).total_seconds()
    yield f", {span(int(ago))} ago" if ago >= 0 else ", in the future", "dim" if ago >= 0 else "warn"


def short_id(run: str) -> str:
    """Return the part of a run's id that is not its time, made harmless."""
    return cut(harmless(run.rpartition("-")[2] or run), _ID)


def progress(run: LiveRun, lengths: dict[str, float], now: datetime) -> str:
    """Return `run 8f3a goes on 64/118, 2 fail, ETA 14 s`."""
    done = len(run.done) + len(run.lost)
    word = "stops" if run.stopping else "goes on"
    parts = [f"run {short_id(run.id)} {word} {done}/{len(run.selected)}"]
    failed = sum(1 for status in run.done.values() if status is Status.FAIL)
    if failed:
        parts.append(f"{failed} fail")
    if run.lost:
        parts.append(f"{len(run.lost)} not stored")
    left = eta_s(run, lengths, now)
    if left is not None:
        parts.append(f"ETA {span(max(1, round(left)))}")
    return ", ".join(parts)
