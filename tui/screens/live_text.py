"""What a run has to tell, check by check: failures first as they happen, then what is in flight. Pure.

A live file only claims. What it calls done is shown with the status that the ledger has of this very run;
what the ledger does not have after it was asked is lost, whatever was claimed.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from agent.board import holds
from agent.ledger import Known
from agent.live import LiveRun, Past
from agent.plan import Plan
from agent.records import RunRecord
from agent.verdict import Standing
from agent.watch import View
from checks.dataclass import dataclass
from checks.words import Status, rank, span
from tui.text import sign
from tui.widgets.cells import want_got
from tui.widgets.listing import Cell, Column
from tui.widgets.paper import Part

MOST_MILESTONES = 6


class State(enum.StrEnum):
    """How a check stands within a run, in the order of the list."""

    FAIL = "fail"
    LOST = "lost"
    """It was tested, and there is no result of it."""
    INCONCLUSIVE = "inconclusive"
    RUNNING = "running"
    BLOCKED = "blocked"
    WARN = "warn"
    UNREAD = "unread"
    """Said to be done; its result was not read yet."""
    NOT_RUN = "not run"
    """The run is over and never came to it."""
    PASS = "pass"  # noqa: S105
    QUEUED = "queued"


TROUBLE = (State.FAIL, State.LOST, State.INCONCLUSIVE)
_OF = {status: State(status.value) for status in Status}
_ORDER = tuple(State)
_WORDS = {
    State.LOST: ("?? LOST", "inconclusive"), State.RUNNING: (".. RUNNING", "running"),
    State.UNREAD: (".. READING", "running"), State.QUEUED: (".. QUEUED", "dim"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One check of a run."""

    check: str
    state: State
    known: Known | None = None
    since: datetime | None = None
    """When the attempt in flight began."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A run as it is shown: one that goes on, or one that is over."""

    id: str
    started: datetime
    items: tuple[Item, ...]
    live: LiveRun | None = None
    record: RunRecord | None = None
    became: Past | None = None
    """How it ended; None while it goes on, or while that was not read yet."""
    counts: Mapping[State, int]

    @property
    def over(self) -> int:
        """Return how many checks need no more waiting for."""
        waiting = (State.RUNNING, State.QUEUED, State.NOT_RUN)
        return len(self.items) - sum(self.counts[state] for state in waiting)


def of_live(
    run: LiveRun,
    known: Mapping[str, Known],
    read: Mapping[str, Known | None],
    made: dict[str, Item] | None = None,
) -> Told:
    """Return a run that goes on.

    `known` are the results that count; `read` is what the ledger had of this run when it was asked, None
    where it had nothing. `made` keeps the items from one look to the next: most are what they were.
    """
    kept = made if made is not None else {}
    groups: dict[State, list[Item]] = {state: [] for state in State}
    for name in reversed(run.done):
        found = known.get(name)
        if found is None or found.run != run.id:
            found = read.get(name)
        item = kept.get(name)
        if item is None or found is None or item.known is not found:
            item = kept[name] = _done(name, found, lost=name in read)
        groups[item.state].append(item)
    groups[State.LOST] += [
        Item(name, State.LOST, why=why) for name, why in run.lost.items() if name not in run.done
    ]
    begun = sorted(run.running.items(), key=lambda item: item[1])
    groups[State.RUNNING] = [
        Item(name, State.RUNNING, since=at) for name, at in begun if name not in run.done
    ]
    seen = {*run.done, *run.lost, *run.running}
    for name in run.selected:
        if name not in seen:
            item = kept.get(name)
            if item is None or item.state is not State.QUEUED:
                item = kept[name] = Item(name, State.QUEUED)
            groups[State.QUEUED].append(item)
    return _told(run.id, run.started, groups, live=run)


def _done(name: str, found: Known | None, *, lost: bool) -> Item:
    if found is not None:
        return Item(name, _OF[found.status], found)
    if lost:
        return Item(name, State.LOST, why="said to be done; no result is stored")
    return Item(name, State.UNREAD)


def of_record(
    record: RunRecord, results: Mapping[str, Known], became: Past | None, last: LiveRun | None = None
) -> Told:
    """Return a run that is over, by the results that it stored; `last` is what its live file told last."""
    groups: dict[State, list[Item]] = {state: [] for state in State}
    for name in record.selected:
        found = results.get(name)
        if found is not None:
            state = _OF[found.status]
            groups[state].append(Item(name, state, found))
        elif last is not None and (name in last.done or name in last.lost):
            why = last.lost.get(name) or "said to be done; no result is stored"
            groups[State.LOST].append(Item(name, State.LOST, why=why))
        else:
            groups[State.NOT_RUN].append(Item(name, State.NOT_RUN, why="not tested by this run"))
    return _told(record.id, record.started, groups, record=record, became=became)


def unheard(told: Told) -> Told:
    """Return a run of which the live file is gone, before it was read how it ended: nothing runs any more."""
    groups: dict[State, list[Item]] = {state: [] for state in State}
    for item in told.items:
        waits = item.state in (State.RUNNING, State.QUEUED)
        groups[State.NOT_RUN if waits else item.state].append(
            Item(item.check, State.NOT_RUN) if waits else item
        )
    return _told(told.id, told.started, groups)


def _told(
    run: str, started: datetime, groups: Mapping[State, list[Item]], *, live: LiveRun | None = None,
    record: RunRecord | None = None, became: Past | None = None,
) -> Told:  # fmt: skip
    return Told(
        id=run, started=started, live=live, record=record, became=became,
        items=tuple(item for state in _ORDER for item in groups[state]),
        counts={state: len(groups[state]) for state in State},
    )  # fmt: skip


# The list


def columns(*, wide: bool) -> list[Column]:
    """Return the columns at this width."""
    check, target = (30, 30) if wide else (14, 15)
    return [
        Column("STATUS", 16), Column("CHECK", check), Column("TARGET", target), Column("OBSERVED"),
        Column("TOOK", 8, right=True),
    ]  # fmt: skip


def cells(item: Item, plan: Plan, now: datetime, room: int, *, muted: bool) -> list[Cell]:
    """Return one line of the list; an id that the plan does not know has no target."""
    planned = plan.by_id.get(item.check)
    word, look = mark(item.state)
    took = ""
    if item.since is not None:
        took = seconds((now - item.since).total_seconds())
    elif item.known is not None:
        took = seconds(item.known.duration_s)
    return [
        (word, "dim" if muted else look),
        (item.check, ""),
        (planned.target if planned is not None else "", ""),
        (observed(item, room), ""),
        (took, "dim"),
    ]


def mark(state: State) -> Part:
    """Return sign and word of a state, and its look."""
    if state in _WORDS:
        return _WORDS[state]
    return sign(Standing(state.value)), state.value


def observed(item: Item, room: int) -> str:
    """Return what was seen of a check that is done, expected beside it where it is not as expected."""
    known = item.known
    if known is None:
        return item.why
    if known.blocked_by:
        return f"waits for {known.blocked_by}"
    worst = min(known.findings, key=lambda finding: rank(finding.status), default=None)
    if worst is None:
        return "it ended without a finding"
    seen = worst.observed or worst.message
    return seen if worst.status is Status.PASS else want_got(worst.expected, seen, room)


def seconds(length: float) -> str:
    """Return `4.1s`, or `2m05s` from a minute on."""
    length = max(0.0, length)
    if length < 60:
        return f"{length:.1f}s"
    return f"{int(length) // 60}m{int(length) % 60:02}s"


# The head


def summary(told: Told, now: datetime, eta: float | None) -> Iterator[Part]:
    """Return the line that says which run this is and how far it is."""
    total = len(told.items)
    if told.live is None:
        yield from _ending(told, total)
        return
    yield f"run {told.id}", "bold"
    yield f"  {clock((now - told.started).total_seconds())}  {told.over} of {total} done", ""
    if told.live.stopping:
        yield "  STOPPING: it ends what is in flight", "warn"
    elif eta is not None:
        yield f"  ends in about {clock(eta)}", ""
    if not told.live.sure:
        yield "  (without locks on this disk it cannot be told whether it still goes on)", "stale"


def _ending(told: Told, total: int) -> Iterator[Part]:
    yield f"run {told.id} ", "bold"
    stored = total - told.counts[State.NOT_RUN] - told.counts[State.LOST]
    have = f"{stored} of {total} checks have a result."
    ended = told.record.finished if told.record is not None else None
    lasted = f" after {span((ended - told.started).total_seconds())}" if ended is not None else ""
    match told.became:
        case "finished":
            yield f"finished{lasted}. {have}", ""
        case "cancelled":
            yield f"was cancelled{lasted}. {have}", "warn"
        case "killed":
            yield f"was killed: the ledger has no end of it. {have}", "inconclusive"
        case _:
            yield f"is no longer heard of; how it ended is being read. {have}", "inconclusive"


def counts(told: Told, *, muted: bool) -> Iterator[Part]:
    """Return the numbers, each with its word; what is zero is dim."""
    always = (State.PASS, State.WARN, State.FAIL, State.INCONCLUSIVE, State.BLOCKED)
    now = (State.RUNNING, State.QUEUED) if told.live is not None else (State.NOT_RUN,)
    words = {State.INCONCLUSIVE: "INCONCL.", State.NOT_RUN: "NOT RUN"}
    for state in (*always, State.LOST, State.UNREAD, *now):
        number = told.counts[state]
        if number or state in (*always, *now):
            look = mark(state)[1] if number and not muted else "dim"
            yield f"{words.get(state, state.value.upper())} {number}", look
            yield "  ", ""


def verdicts(told: Told, view: View, now: datetime, *, still: bool = False) -> Iterator[Part]:
    """Return how the milestones stand whose gates look at what the run tested; `still`: stood then."""
    tested = {item.check for item in told.items}
    concerned = [
        item for item in view.picture.verdicts
        if any(need.check in tested for need in item.milestone.gate.needs)
    ]  # fmt: skip
    yield "Then: " if still else "Now: ", "dim"
    for item in concerned[:MOST_MILESTONES]:
        word = look = item.verdict.value
        if view.problems or not holds(item, now):
            word, look = "CANNOT TELL", "INCOMPLETE"
        yield f"{item.milestone.id} ", ""
        yield f" {word} ", "dim" if still else look
        yield "  ", ""
    if len(concerned) > MOST_MILESTONES:
        yield f"and {len(concerned) - MOST_MILESTONES} more", "dim"
    if not concerned:
        yield "no gate looks at these checks", "dim"


def choices(told: Iterable[tuple[str, bool]], picked: str) -> Iterator[Part]:
    """Return the runs that can be picked, each with its number; `told` is (id, whether it goes on)."""
    for number, (run, goes_on) in enumerate(told, start=1):
        yield f" {number} ", "bold"
        yield f"{run}{'' if goes_on else ' (over)'}", "title" if run == picked else "dim"
        yield " ", ""


def clock(length: float) -> str:
    """Return `00:00:18`."""
    whole = max(0, int(length))
    return f"{whole // 3600:02}:{whole % 3600 // 60:02}:{whole % 60:02}"
