"""What people accepted or signed, as a reader is told: every waiver with what became of it, every last word.

A waiver that is over, or covers no longer what it was written for, is said: whoever counted on it must know.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from datetime import datetime, timedelta

from agent.accepted import CLOCK_TOLERANCE, against_the_rules, decided, in_force, last_words
from agent.persons import two_people
from agent.records import Decision, Waiver
from agent.report.picture import Picture
from agent.verdict import CheckStanding, Standing
from checks.dataclass import dataclass

NEAR = timedelta(hours=24)
"""How long before its end a waiver is said to end soon."""


class Became(enum.StrEnum):
    """What became of a waiver."""

    COVERS = "covers"
    NOT_COVERING = "does not cover"
    NOT_NEEDED = "not needed"
    REPLACED = "replaced"
    OVER = "over"
    VOID = "void"
    GONE = "check is gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One waiver and what became of it; `why` is raw text, empty where there is nothing to explain."""

    waiver: Waiver
    became: Became
    why: str = ""
    matters: bool = True
    """Whether somebody counts on it, or would: the check does not pass, or is not there any more."""
    ends_soon: bool = False
    """It covers, and ends within a day or before a gate that counts on it is due."""


def waivers(picture: Picture) -> Iterator[Told]:
    """Yield the waivers on checks that the picture shows, in the order written, the oldest first."""
    places: dict[str, list[tuple[CheckStanding, datetime | None]]] = {}
    for verdict in picture.verdicts:
        warnings = verdict.milestone.gate.warnings
        for item in verdict.standings:
            enough = item.standing is Standing.PASS or (item.standing is Standing.WARN and warnings)
            if item.required and not enough:
                places.setdefault(item.check, []).append((item, verdict.milestone.due))
    newest = {waiver.check: waiver for waiver in picture.waivers if in_force(waiver, picture.now)}
    latest = {waiver.check: waiver for waiver in picture.waivers}
    for waiver in picture.waivers:
        if waiver.check in picture.shown:
            later = newest.get(waiver.check, latest[waiver.check])
            yield _told(waiver, places.get(waiver.check, []), later, picture.now)
        elif waiver.check not in picture.plan.by_id:
            why = "the project has no such check any more"
            yield Told(waiver=waiver, became=Became.GONE, why=why, matters=waiver.expires > picture.now)


def _told(
    waiver: Waiver, places: list[tuple[CheckStanding, datetime | None]], later: Waiver, now: datetime
) -> Told:
    """Say what became of a waiver on a check that is in the way at `places`."""
    became, why, soon = Became.NOT_NEEDED, "", False
    counting = [due for item, due in places if item.waiver is waiver]
    uncovered = next((item.uncovered for item, _ in places if item.uncovered), "")
    if not two_people(waiver.author, waiver.approver):
        became, why = Became.VOID, "author and approver may be one person"
    elif later is not waiver and not counting:
        became = Became.REPLACED
    elif waiver.expires <= now + CLOCK_TOLERANCE:
        became = Became.OVER
    elif not in_force(waiver, now):
        became, why = Became.VOID, "it is dated in the future: the clock was moved"
    elif counting:
        became, why = Became.COVERS, uncovered and f"not in every gate: {uncovered}"
        before_due = any(due is not None and now < due and waiver.expires < due for due in counting)
        soon = waiver.expires - now <= NEAR or before_due
    elif uncovered:
        became, why = Became.NOT_COVERING, uncovered
    return Told(waiver=waiver, became=became, why=why, matters=bool(places), ends_soon=soon)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The newest signature of a milestone, and whether it counts; `why` says it where it does not."""

    decision: Decision
    decided: str
    against: bool
    """A GO that the rules did not give."""
    counts: bool
    why: str = ""


def signed(picture: Picture, milestone: str) -> Signed | None:
    """Return what was signed last on a milestone; None if nobody signed it."""
    said = [item for item in picture.decisions if item.milestone == milestone]
    if not said:
        return None
    last = said[-1]
    counted = last_words(said, picture.now).get(milestone)
    why = ""
    if counted is not last:
        why = "a GO needs a name"
        if last.at > picture.now + CLOCK_TOLERANCE:
            why = "it is dated in the future: the clock was moved"
        elif against_the_rules(last):
            why = "a GO against the rules needs two people"
        if counted is not None and decided(counted):
            why += f"; the {decided(counted)} that {counted.by} signed before counts"
    return Signed(
        decision=last, decided=decided(last) or last.verdict, against=against_the_rules(last),
        counts=not why, why=why,
    )  # fmt: skip
