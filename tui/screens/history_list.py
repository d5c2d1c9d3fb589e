"""The lines of the list of runs and baselines: what stands in each, and one of them in full. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from agent.diff import NOW
from agent.records import Baseline
from agent.report.text import when
from agent.runs import PastRun, Runs, in_words
from agent.verdict import Standing
from checks.dataclass import dataclass
from tui.widgets.listing import Cell, Column

WIDE = 100
_COUNTED = (
    (Standing.FAIL, "FAIL", "fail"), (Standing.INCONCLUSIVE, "INC", "inconclusive"),
    (Standing.BLOCKED, "BLK", ""), (Standing.NOT_RUN, "NRUN", "not run"), (Standing.WARN, "WARN", "warn"),
    (Standing.PASS, "PASS", ""),
)  # fmt: skip
"""No look for a pass: one of the past proves nothing now."""
_MARK, _WHEN, _BECAME = Column("", 4), Column("WHEN", 13), Column("ENDED", 10)
NOT_YET: Mapping[Standing, int] = {}
Counted = Mapping[Standing, int] | None
"""How a run's checks stood in it; `NOT_YET` while they are counted, None where that is not possible."""
_NUMBERS = tuple(Column(word, 5, right=True) for _, word, _ in _COUNTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line: what is so now, a baseline, or a run."""

    key: str
    word: str
    """As `agent.diff.side` takes it."""
    age: int
    """0 is now; the larger, the older what it stands for."""
    at: datetime | None = None
    past: PastRun | None = None
    baseline: Baseline | None = None


def entries(runs: Runs) -> list[Entry]:
    """Return what is listed: now, then runs and baselines, the newest first."""
    ages = {item.run.id: place for place, item in enumerate(runs.runs, start=1)}
    by_id = {item.run.id: item for item in runs.runs}
    named = list(runs.baselines)
    found = [Entry(key=NOW, word=NOW, age=0)]

    def add_named(until: datetime | None) -> None:
        while named and (until is None or named[0].at >= until):
            item = named.pop(0)
            found.append(
                Entry(
                    key=f"baseline {item.name}", word=item.name, age=ages.get(item.run, len(ages) + 1),
                    at=item.at, past=by_id.get(item.run), baseline=item,
                )
            )  # fmt: skip

    for item in runs.runs:
        add_named(item.run.started)
        found.append(
            Entry(
                key=f"run {item.run.id}", word=item.run.id, age=ages[item.run.id], at=item.run.started,
                past=item,
            )
        )  # fmt: skip
    add_named(None)
    return found


def columns(*, wide: bool) -> Sequence[Column]:
    """Return the columns of the list."""
    more = (Column("FROM"),) if wide else ()
    return (_MARK, _WHEN, Column("RUN OR BASELINE", 34 if wide else None), *more, _BECAME, *_NUMBERS)


def cells(entry: Entry, *, mark: int, zone: str, counts: Counted, wide: bool) -> list[Cell]:
    """Return what stands in them; `mark` is 1 or 2 for a line that is marked."""
    became = entry.past.became if entry.past is not None and entry.baseline is None else ""
    made: list[Cell] = [
        (f"[{mark}]" if mark else "", "bold"),
        (f"{entry.at.astimezone(ZoneInfo(zone)):%d %b %H:%M}" if entry.at is not None else "now", ""),
        (_named(entry), "bold" if entry.baseline is not None else ""),
    ]
    if wide:
        made.append((entry.past.run.vantage.name if entry.past is not None else "", "dim"))
    made.append((became, "" if became in ("", "finished") else "inconclusive"))
    if entry.past is None:
        return made
    if counts is None:
        return [*made, *[("?", "inconclusive")] * len(_COUNTED)]
    if not counts:
        return [*made, *[("...", "dim")] * len(_COUNTED)]
    return [
        *made,
        *((str(counts[standing]), look if counts[standing] else "dim") for standing, _, look in _COUNTED),
    ]


def in_full(entry: Entry, zone: str, counts: Counted) -> str:
    """Return a line in words; raw text."""
    if entry.baseline is not None:
        said = f"Baseline {entry.word}: run {entry.baseline.run}, named by {entry.baseline.by}."
    elif entry.past is None:
        return "Now: the newest result of each check, as far as today's gates count it."
    else:
        said = f"Run {entry.word}, {entry.past.became}."
    if entry.past is None:
        return f"{said} It is older than what is listed."
    run = entry.past.run
    addresses = ", ".join(run.vantage.addresses[:3])
    said += f" Begun {when(run.started, zone)}, seen from {run.vantage.name}"
    said += f" ({addresses}): " if addresses else ": "
    said += in_words(counts) if counts else f"{len(run.selected)} checks"
    if entry.past.baselines and entry.baseline is None:
        said += f". Baseline {', '.join(entry.past.baselines[:5])}"
    return f"{said}."


def _named(entry: Entry) -> str:
    if entry.baseline is not None:
        return f"baseline {entry.word}"
    return "the newest results" if entry.past is None else entry.word
