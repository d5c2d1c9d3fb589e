"""The runs that were, what became of each, and the names that some were given; and giving one a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from agent.decide import Refused
from agent.diff import LAST, MOST_CHARACTERS, NOW, NoSuchSide, find_run, previous
from agent.ledger import Ledger
from agent.live import LiveRun, LiveRuns, Past, what_became
from agent.records import Baseline, RunRecord
from agent.verdict import Standing
from checks.dataclass import dataclass
from checks.safe import safe

MOST_RUNS = 100
"""Listed at once; older ones are named by their id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A run, and what is known of it besides its results."""

    run: RunRecord
    became: Past
    baselines: tuple[str, ...] = ()
    """The names that stand for it now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The newest runs, the one begun last first, and every baseline."""

    runs: tuple[PastRun, ...]
    total: int
    """How many runs there are; `runs` has at most `MOST_RUNS`."""
    baselines: tuple[Baseline, ...]
    """The one that counts of each name, the one named last first."""
    previous: str = ""
    """The newest run before the last one that tested something of the same; empty if there is none."""


def look_back(ledger: Ledger, now: datetime, *, limit: int = MOST_RUNS) -> Runs:
    """Return the runs and baselines of a ledger. Raises LedgerError."""
    live = _live(ledger)
    found = ledger.runs(limit)
    known = {item.id for item in live}
    if any(run.outcome is None and run.id not in known for run in found):
        live += _live(ledger)  # it may have begun, or ended, between the two looks
        found = [(ledger.run(run.id) or run) if run.outcome is None else run for run in found]
    said = ledger.baselines()
    names: dict[str, list[str]] = {}
    for name, item in counting(said).items():
        names.setdefault(item.run, []).append(name)
    return Runs(
        runs=tuple(
            PastRun(
                run=run, became=what_became(run, live, now), baselines=tuple(sorted(names.get(run.id, ())))
            )
            for run in found
        ),
        total=ledger.run_count(),
        baselines=tuple(reversed(counting(said).values())),
        previous=_previous(ledger),
    )


def _previous(ledger: Ledger) -> str:
    try:
        return previous(ledger)
    except NoSuchSide:
        return ""


def _live(ledger: Ledger) -> list[LiveRun]:
    return LiveRuns(ledger.path).look_once() if ledger.path is not None else []


def counting(said: Sequence[Baseline]) -> dict[str, Baseline]:
    """Return the baseline that counts for each name, the one named last at the end."""
    found: dict[str, Baseline] = {}
    for item in said:
        found.pop(item.name, None)
        found[item.name] = item
    return found


def tested(ledger: Ledger, run: RunRecord) -> dict[Standing, int]:
    """Return how the checks of a run stood in it, the worst first; what it did not reach is `not run`."""
    statuses = ledger.statuses_of_run(run.id)
    found = dict.fromkeys(_WORST_FIRST, 0)
    for status in statuses.values():
        found[Standing(status.value)] += 1
    found[Standing.NOT_RUN] = sum(1 for name in run.selected if name not in statuses)
    return found


_WORST_FIRST = (
    Standing.FAIL, Standing.INCONCLUSIVE, Standing.BLOCKED, Standing.NOT_RUN, Standing.WARN, Standing.PASS,
)  # fmt: skip


def in_words(counts: Mapping[Standing, int]) -> str:
    """Return the counts that are some: `1 fail, 2 warn, 40 pass`."""
    return ", ".join(f"{count} {standing}" for standing, count in counts.items() if count) or "nothing tested"


def draft_baseline(ledger: Ledger, *, name: str, run: str, by: str, now: datetime) -> Baseline:
    """Return the baseline that gives a run the name `name`; `run` as `agent.diff.side` takes it.

    Raises Refused with everything that is wrong, and LedgerError.
    """
    problems: dict[str, str] = {}
    name, by, run = " ".join(name.split(" ")).strip(), by.strip(), run.strip()
    problem = _bad_name(ledger, name)
    if problem:
        problems["name"] = problem
    if not by:
        problems["by"] = "Say who names it."
    elif len(by) > MOST_CHARACTERS or safe(by) != by:
        problems["by"] = f"A person is named by at most {MOST_CHARACTERS} visible characters."
    run_id = ""
    try:
        run_id, _ = find_run(ledger, run)
    except NoSuchSide as error:
        problems["run"] = str(error)
    if run_id:
        problem = _bad_run(ledger, run_id, now)
        if problem:
            problems["run"] = problem
    if problems:
        raise Refused(problems)
    return Baseline(name=name, run=run_id, by=by, at=now)


def _bad_name(ledger: Ledger, name: str) -> str:
    if not name:
        return "Give it a name: handover, old-office, before-the-change."
    if len(name) > MOST_CHARACTERS or safe(name) != name:
        return f"A name has at most {MOST_CHARACTERS} characters, all of them visible."
    if name.startswith("-"):
        return "A name does not begin with '-': a command would take it for an option."
    if name.casefold() in (NOW, LAST):
        return f"'{NOW}' and '{LAST}' stand for today's results and the last run: choose another name."
    if ledger.run_ids(name, limit=1):
        return f"A run's id begins with {name!r}: choose a name that cannot be taken for a run."
    return ""


def _bad_run(ledger: Ledger, run_id: str, now: datetime) -> str:
    run = ledger.run(run_id)
    if run is None or not ledger.statuses_of_run(run_id):
        return f"The run {run_id} has no result: there would be nothing to compare with."
    if what_became(run, _live(ledger), now) == "goes on":
        return f"The run {run_id} goes on: wait until it has ended."
    return ""


def partial(ledger: Ledger, run_id: str) -> str:
    """Return a sentence if the run did not test all that it was to test; empty if it did."""
    run = ledger.run(run_id)
    if run is None:
        return ""
    counts = tested(ledger, run)
    missing = counts[Standing.NOT_RUN]
    if not missing:
        return ""
    return (
        f"It tested {len(run.selected) - missing} of its {len(run.selected)} checks; the others read as not "
        "run in every comparison."
    )
