"""Two sets of results compared: regressions first, then what is no longer proven, then what else moved.

A comparison says what became of each check and never that something can go: a result of the side `now` counts
only as the gates of today count it, a check that one side did not test is never the same, fixed or worse,
and what could not be tested is never better than what failed.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import UTC, datetime

from agent.ledger import Ledger
from agent.pairs import differing, value_of, values_in_words
from agent.plan import Plan
from agent.records import RunRecord
from agent.report.picture import Told
from agent.story import observed
from agent.verdict import Standing, judge_plan
from checks.dataclass import dataclass
from checks.words import Finding

NOW, LAST = "now", "last"
MOST_CHARACTERS = 80
"""Of the name of a baseline."""
_LOOKED_BACK = 50


class Kind(enum.StrEnum):
    """What became of a check; in the order in which a person reads them."""

    REGRESSION = "regression"
    """It passed (or warned) and now is worse: it fails, or passes no more without a warning."""
    UNPROVEN = "no longer proven"
    """It passed or warned, and now it is inconclusive, blocked, stale or has no result."""
    WORSE = "worse"
    """It was in trouble before, and is in worse trouble now."""
    OTHER = "other trouble"
    """In trouble before and now; nobody can say that it is better, least of all where it was not tested."""
    NEW = "new"
    """There is no result of it before: it was not planned then, or not selected."""
    GONE = "gone"
    """It is no longer planned."""
    REDEFINED = "redefined"
    """As good as before or better, but of another definition: it is not the same claim."""
    BETTER = "better"
    """Less bad, not yet passing."""
    FIXED = "fixed"
    """It failed or warned, and passes now."""
    PROVEN = "now proven"
    """It was not tested before, and passes now: nobody can say that it was broken."""
    VALUE = "value only"
    """Same status, another value."""
    SAME = "same"
    NOT_RUN = "not compared"
    """One of the runs was not asked to test it."""


REGRESSIONS = frozenset({Kind.REGRESSION, Kind.UNPROVEN, Kind.WORSE})
"""What got worse, or is no longer known to be good."""
_NO_WORSE = (Kind.SAME, Kind.FIXED, Kind.PROVEN, Kind.BETTER)
_ORDER = {kind: place for place, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One check on both sides; `before` and `after` are results, None where there is none."""

    kind: Kind
    check: str
    title: str
    target: str
    before: Told | None
    after: Told | None
    before_text: str
    """What was observed, of the finding that differs; raw text."""
    after_text: str
    before_standing: str = Standing.NOT_RUN.value
    """The status, or `stale` or `not run`."""
    after_standing: str = Standing.NOT_RUN.value
    redefined: bool = False
    """The two results are of different definitions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison."""

    name: str
    """A run's id, a baseline's name with its run, or `now` for the newest results."""
    results: Mapping[str, Told]
    run: RunRecord | None = None
    """The run; None for `now`."""
    at: datetime | None = None
    """Of `now`: when that is, for the gates to say what is stale."""
    selected: frozenset[str] | None = None
    """What the run was to test; None for `now`: everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """Every check of both sides, sorted by `Kind`, then in the plan's order."""

    before: Side
    after: Side
    changes: tuple[Change, ...]

    @property
    def changed(self) -> tuple[Change, ...]:
        """Return the changes that are some."""
        return tuple(change for change in self.changes if change.kind not in (Kind.SAME, Kind.NOT_RUN))

    @property
    def compared(self) -> int:
        """Return how many checks have a result on both sides; without one nothing was compared."""
        return sum(1 for item in self.changes if item.before is not None and item.after is not None)

    def counts(self) -> dict[Kind, int]:
        """Return how many changes there are of each kind that occurs, in the order of `Kind`."""
        found = dict.fromkeys(Kind, 0)
        for change in self.changes:
            found[change.kind] += 1
        return {kind: count for kind, count in found.items() if count}


class NoSuchSide(Exception):  # noqa: N818 - said to the person who asked
    """The word names no run and no baseline; the message says what there is."""


def side(ledger: Ledger, word: str, *, now: datetime | None = None) -> Side:
    """Return what `word` names: `now`, `last` (the newest run), a baseline, a run's id or the start of one.

    `now` is the time at which the newest results are looked at; the clock's if it is not given. Raises
    NoSuchSide, LedgerError.
    """
    if word == NOW:
        return Side(name=NOW, results=ledger.latest(), at=now or datetime.now(UTC))
    run_id, label = find_run(ledger, word)
    run = ledger.run(run_id)
    selected = frozenset(run.selected) if run is not None else frozenset()
    name = f"{label} ({run_id})" if label else run_id
    return Side(name=name, results=ledger.latest_of_run(run_id), run=run, selected=selected)


def find_run(ledger: Ledger, word: str) -> tuple[str, str]:
    """Return the id of the run that `word` names, and the baseline's name if it is one's.

    Raises NoSuchSide, LedgerError.
    """
    if not word or len(word) > MOST_CHARACTERS:
        raise NoSuchSide(
            f"A run or baseline is named by 1 to {MOST_CHARACTERS} characters. {_there_is(ledger)}"
        )
    if word == LAST:
        newest = ledger.run_ids(limit=1)
        if not newest:
            raise NoSuchSide("Nothing was run yet, so there is no last run: 'gonogo run' makes one.")
        return newest[0], ""
    named = {baseline.name: baseline.run for baseline in ledger.baselines()}
    if ledger.run(word) is not None:
        if named.get(word, word) != word:
            raise NoSuchSide(
                f"{word!r} is both a run and the name of a baseline of the run {named[word]}: name that run."
            )
        return word, ""
    if word in named:
        return named[word], word
    begun = ledger.run_ids(word)
    if len(begun) == 1:
        return begun[0], ""
    if begun:
        raise NoSuchSide(f"{word!r} begins the ids of several runs: {_listed(begun)}. Write more of it.")
    raise NoSuchSide(f"{word!r} names no run and no baseline. {_there_is(ledger)}")


def previous(ledger: Ledger) -> str:
    """Return the newest run before the last one that tested at least one check which that tested, too.

    Raises NoSuchSide, LedgerError.
    """
    newest: set[str] = set()
    for run_id in ledger.run_ids(limit=_LOOKED_BACK):
        tested = set(ledger.statuses_of_run(run_id))
        if newest & tested:
            return run_id
        newest = newest or tested
    if not newest:
        raise NoSuchSide("No run has tested anything yet, so there is nothing to compare: 'gonogo run' does.")
    raise NoSuchSide(
        "No earlier run tested anything that the last one tested, so there is nothing to compare it with: "
        "name two runs or baselines."
    )


def _there_is(ledger: Ledger) -> str:
    runs, names = ledger.run_ids(limit=11), sorted({item.name for item in ledger.baselines()})
    said = f"The newest runs are: {_listed(runs)}" if runs else "There is no run yet"
    return f"{said}; {f'baselines: {_listed(names)}' if names else 'there is no baseline'}."


def _listed(names: list[str]) -> str:
    return ", ".join(names[:10]) + (" and more" if len(names) > 10 else "")


def compare(plan: Plan, before: Side, after: Side) -> Diff:
    """Return what changed from `before` to `after`; pure."""
    reasons_before, reasons_after = _not_counting(plan, before), _not_counting(plan, after)
    same_plan = _plan_digest(plan, before) == _plan_digest(plan, after)
    names = dict.fromkeys((*plan.by_id, *sorted({*before.results, *after.results})))
    changes = []
    for name in names:
        if name in before.results or name in after.results:
            left = _Part(name, before, reasons_before)
            right = _Part(name, after, reasons_after)
            changes.append(_change(plan, name, left, right, same_plan=same_plan))
    changes.sort(key=lambda change: _ORDER[change.kind])
    return Diff(before=before, after=after, changes=tuple(changes))


def _plan_digest(plan: Plan, of: Side) -> str:
    return of.run.plan_digest if of.run is not None else plan.sources_digest


def _not_counting(plan: Plan, of: Side) -> dict[str, tuple[Standing, str]]:
    """Return which of today's results no gate counts, and why; what a past run found is what it found."""
    if of.at is None:
        return {}
    found: dict[str, tuple[Standing, str]] = {}
    for verdict in judge_plan(plan, of.results, now=of.at):  # type: ignore[arg-type]
        for item in verdict.standings:
            if item.standing in (Standing.STALE, Standing.NOT_RUN) and item.check in of.results:
                found.setdefault(item.check, (item.standing, item.reason))
    left_out = {item.check: f"left out: {item.reason}" for item in plan.left_out}
    for name, told in of.results.items():
        planned = plan.by_id.get(name)
        if planned is None:
            found[name] = (Standing.NOT_RUN, left_out.get(name, "no longer planned"))
        elif name not in found and _digest(told) != planned.digest:
            found[name] = (Standing.STALE, "its definition has changed since it ran")
    return found


class _Part:
    """One check on one side: how it stands there."""

    def __init__(self, name: str, of: Side, reasons: Mapping[str, tuple[Standing, str]]) -> None:
        self.told = of.results.get(name)
        self.asked = of.selected is None or name in of.selected
        self.standing, self.reason = Standing.NOT_RUN, "not run" if self.asked else "not selected"
        if self.told is not None:
            self.standing, self.reason = Standing(self.told.status.value), ""
            if name in reasons:
                self.standing, self.reason = reasons[name]

    @property
    def good(self) -> bool:
        return self.standing in (Standing.PASS, Standing.WARN)

    @property
    def tested(self) -> bool:
        """Whether it was tested and that counts: what is inconclusive was not."""
        return self.good or self.standing is Standing.FAIL

    def text(self, seen: Finding | None) -> str:
        """Return what was observed, or why nothing counts."""
        if self.told is None or self.reason:
            return self.reason
        if self.told.blocked_by:
            return f"waits for {self.told.blocked_by}"
        if seen is not None:
            return observed(seen)
        return "not among what was seen" if self.told.findings else "nothing was seen"


def _change(plan: Plan, name: str, left: _Part, right: _Part, *, same_plan: bool) -> Change:
    planned = plan.by_id.get(name)
    told = right.told or left.told
    assert told is not None
    both = left.told is not None and right.told is not None
    redefined = both and _digest(left.told) != _digest(right.told)
    seen_before, seen_after = differing(left.told, right.told)
    kind = Kind.GONE if planned is None else _kind(left, right, redefined=redefined, same_plan=same_plan)
    texts = left.text(seen_before), right.text(seen_after)
    if kind is Kind.SAME and (texts[0] != texts[1] or value_of(seen_before) != value_of(seen_after)):
        kind = Kind.VALUE
    if kind is Kind.VALUE:
        texts = values_in_words(seen_before, seen_after) or texts
    return Change(
        kind=kind, check=name, title=planned.title if planned is not None else "",
        target=planned.target if planned is not None else told.target,
        before=left.told, after=right.told, before_text=texts[0], after_text=texts[1],
        before_standing=left.standing.value, after_standing=right.standing.value, redefined=redefined,
    )  # fmt: skip


def _kind(left: _Part, right: _Part, *, redefined: bool, same_plan: bool) -> Kind:
    if right.told is None and not right.asked:
        return Kind.NOT_RUN
    if left.told is None and not left.asked:
        return Kind.NOT_RUN if same_plan and right.good else Kind.NEW  # trouble is never left out
    kind = _course(left, right)
    return Kind.REDEFINED if redefined and kind in _NO_WORSE else kind


def _course(left: _Part, right: _Part) -> Kind:
    """Return what became of a check that both sides were asked to test."""
    was, now = left.standing, right.standing
    if left.good:
        if not right.tested:
            return Kind.UNPROVEN
        if now is was:
            return Kind.SAME
        return Kind.FIXED if now is Standing.PASS else Kind.REGRESSION
    if right.good:
        if now is not Standing.PASS:
            return Kind.BETTER
        return Kind.FIXED if left.tested else Kind.PROVEN
    if now is was:
        return Kind.SAME
    return Kind.WORSE if now is Standing.FAIL else Kind.OTHER


def _digest(told: Told | None) -> str:
    return getattr(told, "digest", "")
