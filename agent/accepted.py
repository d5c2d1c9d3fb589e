"""What people wrote down, and whether it counts: waivers that hold and cover, signatures that hold.

A waiver covers the definition that was looked at and a standing no worse than the one that was accepted. A
signature against the rules needs two people. What is dated in the future, or what one person wrote for two,
counts for nothing; a signed NO-GO counts always, whatever the clock said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from agent.persons import two_people, words
from agent.records import Decision, Waiver

CLOCK_TOLERANCE = timedelta(seconds=5)
"""How far in the future a record may lie before the clock, not who wrote it, is to blame."""
GO, NO_GO = "GO", "NO-GO"
_WEIGHTS = {"pass": 0, "warn": 1, "inconclusive": 2, "blocked": 2, "stale": 2, "not run": 2, "fail": 3}
_GOES = frozenset({"GO", "GO WITH WAIVERS"})


def weight(standing: str) -> int:
    """Return how bad a standing is: a failure is worse than what is not proven, and that than a warning."""
    return _WEIGHTS.get(standing, -1)


def in_force(waiver: Waiver, now: datetime) -> bool:
    """Tell whether two people accepted it, and whether it has begun and is not over."""
    signed = two_people(waiver.author, waiver.approver)
    return signed and waiver.at <= now + CLOCK_TOLERANCE < waiver.expires


def gap(waiver: Waiver, standing: str, digest: str) -> str:
    """Return why a waiver in force does not cover a check that stands so; empty if it does."""
    if waiver.digest and waiver.digest != digest:
        return f"the waiver that {waiver.approver} approved is for another definition of this check"
    if waiver.standing and weight(standing) > weight(waiver.standing):
        return f"{waiver.approver} accepted {waiver.standing}, and {standing} is worse"
    return ""


def cover(newest_first: Sequence[Waiver], standing: str, digest: str) -> tuple[Waiver | None, str]:
    """Return the newest of the waivers in force that covers, or None and why the newest does not."""
    why = ""
    for waiver in newest_first:
        trouble = gap(waiver, standing, digest)
        if not trouble:
            return waiver, ""
        why = why or trouble
    return None, why


def decided(decision: Decision) -> str:
    """Return `GO` or `NO-GO`; empty for one of an earlier version that signed an INCOMPLETE."""
    if decision.decided:
        return GO if decision.decided == GO else NO_GO
    if decision.verdict in _GOES:
        return GO
    return "" if decision.verdict == "INCOMPLETE" else NO_GO


def against_the_rules(decision: Decision) -> bool:
    """Tell whether a GO was signed that the rules did not give."""
    return decided(decision) == GO and decision.verdict not in _GOES


def counts(decision: Decision, now: datetime) -> bool:
    """Tell whether it counts: a GO only from its time on, and against the rules only by two people."""
    if decided(decision) != GO:
        return True
    if decision.at > now + CLOCK_TOLERANCE or not words(decision.by):
        return False
    return not against_the_rules(decision) or two_people(decision.by, decision.second)


def last_words(decisions: Iterable[Decision], now: datetime) -> dict[str, Decision]:
    """Return for each milestone that was signed the decision that counts: the one stored last."""
    return {item.milestone: item for item in decisions if counts(item, now)}
