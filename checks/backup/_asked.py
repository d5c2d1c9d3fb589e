"""What is asked of a backup's age and size, and the steps of the ladder that follow from them alone."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from checks.backup._ladder import COMPLETE, FRESH, Past, Step
from checks.dataclass import dataclass
from checks.words import span

CLOCK_SLACK_S = 2.0
"""A backup that was begun this much after "now" is one that began while we looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The thresholds of one check, in seconds and per cent."""

    rpo_s: float
    rto_s: float | None
    rebuild_s: float
    min_level: int
    newer_than: str | None
    size_drop: float
    size_growth: float
    history: int


def fresh(age_s: float, asked: Asked) -> Step:
    """Return the rung `fresh`, which follows from the age alone."""
    if age_s < -CLOCK_SLACK_S:
        return Step(
            level=FRESH, outcome="failed", how="age of the newest backup",
            detail=f"It lies {span(-age_s)} in the future by the host's own clock.",
            fix="Set the clock of the host (and of what makes the backup) by NTP, and back up anew.",
        )  # fmt: skip
    limit = f"{span(max(age_s, 0.0))} old, with {span(asked.rpo_s)} as recovery point objective"
    if age_s > asked.rpo_s:
        return Step(
            level=FRESH, outcome="failed", how="age of the newest backup", detail=f"It is {limit}.",
            fix="Make a backup now, find out why the schedule did not, and run the check again.",
        )  # fmt: skip
    return Step(level=FRESH, outcome="proven", how="age of the newest backup", detail=f"It is {limit}.")


def hollow(size: int | None, files: int | None) -> list[Step]:
    """Return a failed rung `complete` for a backup that holds nothing, which every tool finds in order."""
    if size != 0 and files != 0:
        return []
    return [
        Step(
            level=COMPLETE, outcome="failed", how="what it holds",
            detail="There is no file in it." if files == 0 else "There is no file with content in it.",
            fix="Look what the job backs up: an unmounted folder is empty, too, and a symbolic link is "
            "backed up as a link.",
        )
    ]  # fmt: skip


def shrunk(
    size: int | None, files: int | None, history: Sequence[Past], asked: Asked
) -> list[Step]:  # fmt: skip
    """Return a failed rung `complete` for each of size and file count that fell below the earlier ones."""
    found = []
    for what, now, median in compared(size, files, history, asked):
        if now < median * (1 - asked.size_drop / 100):
            found.append(
                Step(
                    level=COMPLETE, outcome="failed", how=f"{what} against earlier backups",
                    detail=f"{now:,} {what} where the median of the earlier ones is {median:,.0f}: "
                    f"{100 * (1 - now / median):.0f}% less, with {asked.size_drop:g}% permitted.",
                    fix="Look what is no longer backed up: an emptied source, a missing mount, a new "
                    "exclusion. If data was really removed, raise 'size_drop' for this once.",
                )
            )  # fmt: skip
    return found


def compared(
    size: int | None, files: int | None, history: Sequence[Past], asked: Asked
) -> list[tuple[str, int, float]]:
    """Return what can be compared with earlier backups: the word, the newest's number, their median."""
    earlier = history[: asked.history]
    rows = []
    for what, now, before in (
        ("bytes", size, [past.bytes for past in earlier if past.bytes is not None]),
        ("files", files, [past.files for past in earlier if past.files is not None]),
    ):
        if now is not None and before and statistics.median(before) > 0:
            rows.append((what, now, float(statistics.median(before))))
    return rows
