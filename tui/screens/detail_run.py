"""What goes on with one check just now, in a line: asked for, waiting, running, or gone without a result."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from agent.watch import View
from checks.dataclass import dataclass
from checks.words import span
from tui.store import Store
from tui.widgets.paper import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A run of this check that this page asked for; `seq` is the result that was shown then, 0 for none."""

    check: str
    seq: int
    at: datetime
    run: str = ""
    """The run that was seen to have it, once there was one."""


def run_line(
    view: View, check: str, asked: Asked | None, *, seq: int, store: Store
) -> tuple[Asked | None, Part | None]:
    """Return what is still asked for, and the line to show; None for nothing."""
    if asked is not None and (asked.check != check or asked.seq != seq):
        asked = None
    now, failed = store.now(), store.failed_start
    for run in view.runs:
        if check in run.running:
            since = span(max(0.0, round((now - run.running[check]).total_seconds(), 1)))
            return _seen_in(asked, run.id), (f".. RUNNING for {since} (run {run.id})", "running")
    for run in view.runs:
        if check in run.lost:
            return None, (f"Its new result could not be stored: {run.lost[check]}", "inconclusive")
        if check in run.selected and check not in run.done:
            return _seen_in(asked, run.id), (f".. WAITING for its turn in run {run.id}", "running")
    if asked is None:
        return None, None
    if failed:
        return asked, (f"The run could not start: {failed}", "inconclusive")
    since = span(max(0, int((now - asked.at).total_seconds())))
    if asked.run and all(run.id != asked.run for run in view.runs):
        return asked, (f"Run {asked.run} ended, and no new result of this check counts.", "inconclusive")
    if store.all_over:
        return asked, (
            "The run that was asked for ended, and no new result of this check counts.",
            "inconclusive",
        )
    return asked, (f".. A run of this check was asked for {since} ago.", "running")


def _seen_in(asked: Asked | None, run: str) -> Asked | None:
    if asked is None:
        return None
    return replace(asked, run=run)
