"""A check's past: how it stood each time, its measured values, and what changed since it last passed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime

from agent.ledger import Known
from checks.dataclass import dataclass
from checks.words import Finding, Status, rank

MOST_SERIES = 6
MOST_CHANGED = 20
DEFINITION, SEEN_FROM = "its definition", "seen from"
"""Subjects of `Changed` that are about the check itself and not about one of its peers."""
MARKS = "\u2591\u2592\u2593\u2588"
"""From the least to the greatest value, by ink: glyphs that the fonts of every console have."""
PLAIN_MARKS = ".-=#"
GAP = " "


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One measured value over time, the oldest first; the same length as `Story.past`, None where absent."""

    name: str
    """The measure's name, with the subject where the check measures the same of several; raw text."""
    unit: str
    values: tuple[float | None, ...]
    """Finite numbers only."""
    warn: float | None = None
    fail: float | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One subject of the check that is not as it was at the last pass; raw text."""

    subject: str
    before: str
    """What was observed then; empty if the subject is new."""
    after: str
    """What is observed now; empty if nothing was seen of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The last executions of one check, the oldest first."""

    check: str
    past: tuple[Known, ...]
    series: tuple[Series, ...]
    last_pass: datetime | None
    """When it last passed, of the executions in `past`."""
    first_trouble: datetime | None
    """When the trouble that it has now began: the first execution after the last pass. Without a last pass
    the trouble is at least as old as that."""
    changed: tuple[Changed, ...]
    """What is not as at the last pass; empty if it passes, or never passed."""
    redefined: datetime | None = None
    """When the definition that ran last was first run, if an earlier execution in `past` ran another."""

    @property
    def statuses(self) -> tuple[Status, ...]:
        """Return the status of each execution, the oldest first."""
        return tuple(item.status for item in self.past)


def story(check: str, newest_first: Sequence[Known], *, counts: int | None = None) -> Story:
    """Return the story that `Ledger.history(check)` tells.

    `counts` is the number of the result that counts, where it is known: of runs that overlapped the worst
    one counts, which need not be the one stored last, and the story ends with that one.
    """
    past = tuple(reversed(newest_first))
    end = next((place for place, item in enumerate(past) if item.seq == counts), len(past) - 1)
    until = past[: end + 1]
    passes = [place for place, item in enumerate(until) if item.status is Status.PASS]
    now, last = (until[-1] if until else None), (until[passes[-1]] if passes else None)
    trouble = until[passes[-1] + 1 if passes else 0 :]
    return Story(
        check=check,
        past=past,
        series=_series(past, until),
        last_pass=last.finished if last is not None else None,
        first_trouble=trouble[0].started if trouble else None,
        changed=_changed(last, now) if now is not None and last is not None and now is not last else (),
        redefined=_redefined(until),
    )


def sparkline(values: Iterable[float | None], marks: str = MARKS) -> str:
    """Return one mark a value, a space where there is none; say the least and the greatest beside it."""
    numbers = [number(value) for value in values]
    present = [value for value in numbers if value is not None]
    if not present:
        return GAP * len(numbers)
    least, most = min(present) / 2, max(present) / 2
    width = most - least
    steps = len(marks) - 1

    def mark(value: float | None) -> str:
        if value is None:
            return GAP
        return marks[round((value / 2 - least) / width * steps)] if width else marks[steps // 2]

    return "".join(map(mark, numbers))


def range_in_words(series: Series) -> str:
    """Return `18 to 140 ms, last 140 ms (warn 100 ms, fail 300 ms)`; raw text."""
    present = [value for value in series.values if value is not None]
    if not present:
        return "no value"
    least, most = _with_unit(min(present), ""), _with_unit(max(present), series.unit)
    reach = most if least == _with_unit(max(present), "") else f"{least} to {most}"
    last = series.values[-1]
    said = f"last {_with_unit(last, series.unit)}" if last is not None else "no value the last time"
    limits = [
        f"{word} {_with_unit(limit, series.unit)}"
        for word, limit in (("warn", series.warn), ("fail", series.fail))
        if limit is not None
    ]
    return f"{reach}, {said}" + (f" ({', '.join(limits)})" if limits else "")


def number(value: object) -> float | None:
    """Return a finite number, or None: the ledger has no word for NaN, a plugin may have said anything."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        made = float(value)
    except OverflowError:
        return None
    return made if math.isfinite(made) else None


def short(value: float) -> str:
    """Return a number as a person reads it."""
    return f"{value:.4g}" if abs(value) < 1000 or abs(value) >= 1e12 else f"{value:.0f}"


def _with_unit(value: float, unit: str) -> str:
    return f"{short(value)} {unit}".rstrip()


def observed(finding: Finding) -> str:
    """Return what a finding saw; raw text."""
    return finding.observed or finding.message


_Key = tuple[str, str, str]


def _series(past: Sequence[Known], until: Sequence[Known]) -> tuple[Series, ...]:
    """Return a series for each subject, measure and unit: those of the last execution, the worst first.

    What only earlier executions measured comes behind; more than `MOST_SERIES` would hide the relevant one.
    """
    seen: list[dict[_Key, Finding]] = [_measures(item) for item in past]
    here = len(until) - 1
    order: dict[_Key, tuple[int, int, int]] = {}
    for back, place in enumerate(range(here, -1, -1)):
        for nth, (key, finding) in enumerate(seen[place].items()):
            order.setdefault(key, (back, rank(finding.status), nth))
    kept = sorted(order, key=lambda key: order[key])[:MOST_SERIES]
    subjects: dict[str, set[str]] = {}
    for subject, name, _ in order:
        subjects.setdefault(name, set()).add(subject)
    made = []
    for key in kept:
        subject, name, unit = key
        newest = seen[here - order[key][0]][key].measure
        assert newest is not None
        several = len(subjects[name]) > 1 and subject
        made.append(
            Series(
                name=f"{name} of {subject}" if several else name,
                unit=unit,
                values=tuple(_value(found.get(key)) for found in seen),
                warn=number(newest.warn),
                fail=number(newest.fail),
                subject=subject,
            )
        )
    return tuple(made)


def _measures(item: Known) -> dict[_Key, Finding]:
    """Return the worst finding with a number for each subject, measure and unit."""
    found: dict[_Key, Finding] = {}
    for finding in item.findings:
        measure = finding.measure
        if measure is None or number(measure.value) is None:
            continue
        key = (finding.subject, measure.name, measure.unit)
        if key not in found or rank(finding.status) < rank(found[key].status):
            found[key] = finding
    return found


def _value(finding: Finding | None) -> float | None:
    return number(finding.measure.value) if finding is not None and finding.measure is not None else None


def _redefined(until: Sequence[Known]) -> datetime | None:
    """Return when the newest definition was first run, if another ran before."""
    for place in range(len(until) - 1, 0, -1):
        if until[place - 1].digest != until[-1].digest:
            return until[place].started
    return None


def _changed(before: Known, now: Known) -> tuple[Changed, ...]:
    """Return what differs: the check itself, then the subjects whose status changed, the worst first."""
    about: list[Changed] = []
    if before.digest != now.digest:
        about.append(
            Changed(subject=DEFINITION, before=before.digest[:8], after=f"{now.digest[:8]} (it was changed)")
        )
    if before.vantage_name != now.vantage_name:
        about.append(Changed(subject=SEEN_FROM, before=before.vantage_name, after=now.vantage_name))
    if not now.findings:
        was = "; ".join(map(observed, before.findings[:3])) or before.status.value
        why = f"waits for {now.blocked_by}" if now.blocked_by else f"{now.status}, and nothing was seen"
        return (*about, Changed(subject=now.target, before=was, after=why))
    old, new = _by_subject(before), _by_subject(now)
    found: list[tuple[int, int, Changed]] = []
    for nth, subject in enumerate(dict.fromkeys((*new, *old))):
        changed, badness = _subject_changed(subject, old.get(subject, []), new.get(subject, []))
        if changed is not None:
            found.append((badness, nth, changed))
    found.sort(key=lambda item: item[:2])
    return (*about, *(changed for _, _, changed in found[:MOST_CHANGED]))


def _by_subject(item: Known) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in item.findings:
        found.setdefault(finding.subject, []).append(finding)
    return found


def _subject_changed(
    subject: str, old: Sequence[Finding], new: Sequence[Finding]
) -> tuple[Changed | None, int]:
    """Return what changed of one subject and how bad it is; equal words get their statuses beside them."""
    were = {(finding.status, observed(finding)) for finding in old}
    are = {(finding.status, observed(finding)) for finding in new}
    gone = [finding for finding in old if (finding.status, observed(finding)) not in are]
    came = sorted(
        (finding for finding in new if (finding.status, observed(finding)) not in were),
        key=lambda finding: rank(finding.status),
    )
    if not gone and not came:
        return None, 0
    gone, came = gone or list(old), came or list(new)
    before, after = "; ".join(map(observed, gone[:3])), "; ".join(map(observed, came[:3]))
    if before == after:
        before = "; ".join(f"{observed(finding)} ({finding.status})" for finding in gone[:3])
        after = "; ".join(f"{observed(finding)} ({finding.status})" for finding in came[:3])
    return Changed(subject=subject, before=before, after=after), rank(came[0].status) if came else 1
