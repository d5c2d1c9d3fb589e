"""The runs that go on, as data and as sentences: what `gonogo status` says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from agent.live import LiveRun, eta_s, what_became
from agent.records import RunRecord
from agent.report.picture import Picture
from checks.safe import safe
from checks.words import Status, rfc3339, span


def running_json(picture: Picture) -> list[dict[str, Any]]:
    """Return the runs that go on, the one begun first first."""
    return [_run(run, picture) for run in picture.running]


def running_lines(picture: Picture) -> Iterator[str]:
    """Yield one line a run that goes on."""
    for run in picture.running:
        since = run.started.astimezone(ZoneInfo(picture.plan.project.timezone))
        words = [
            f"run {safe(run.id, limit=80)} goes on since {since:%H:%M:%S %Z}",
            f"{run.finished} of {len(run.selected)} checks done",
        ]
        failed = sum(1 for status in run.done.values() if status is Status.FAIL)
        words += [
            f"{count} {what}"
            for count, what in ((failed, "failed"), (len(run.running), "in flight"), (len(run.lost), "lost"))
            if count
        ]
        left = _eta(run, picture)
        if run.stopping:
            words.append("asked to stop")
        elif left is not None:
            words.append(f"about {span(round(left))} to go")
        if not run.sure:
            words.append("as far as can be told here")
        yield ", ".join(words)


def cut_off(run: RunRecord, picture: Picture) -> bool:
    """Tell whether a run was killed: it has no end, and nobody goes on with it."""
    return what_became(run, picture.running, picture.now) == "killed"


def _run(run: LiveRun, picture: Picture) -> dict[str, Any]:
    left = _eta(run, picture)
    counts = dict.fromkeys((status.value for status in Status), 0)
    for status in run.done.values():
        counts[status.value] += 1
    return {
        "id": run.id,
        "started": rfc3339(run.started),
        "selected": len(run.selected),
        "done": counts,
        "in_flight": {check: rfc3339(at) for check, at in run.running.items()},
        "lost": dict(run.lost),
        "stopping": run.stopping,
        "certain": run.sure,
        "eta_s": None if left is None else round(left, 1),
    }


def _eta(run: LiveRun, picture: Picture) -> float | None:
    lengths = {name: told.duration_s for name, told in picture.results.items()}
    return eta_s(run, lengths, picture.now)
