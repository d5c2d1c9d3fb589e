"""What a person decides in writing: a waiver, an attestation, a sign-off. Commands and dialogs share this.

Each `draft_*` function is pure: it returns the record, or raises Refused with everything that is wrong. The
caller stores it by `Ledger.add`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from agent import filled
from agent.accepted import GO, NO_GO, weight
from agent.doubt import doubted
from agent.filled import MIN_REASON as MIN_REASON  # noqa: PLC0414 - the dialogs say it
from agent.filled import expiry as expiry  # noqa: PLC0414 - the dialog shows how an end is understood
from agent.plan import Plan
from agent.records import Decision, Waiver
from agent.verdict import GOES, Evidence, MilestoneVerdict, Standing, judge_plan
from agent.watch import View
from checks.safe import safe
from checks.vantage import Attestation
from profiles.problems import did_you_mean

RISKS = ("low", "medium", "high")
_HEAD = re.compile(r"\d+:[0-9a-f]{64}\Z", re.ASCII)


class Refused(Exception):  # noqa: N818 - said to the person who decides
    """What was filled in makes no record. `problems` maps the field to a full sentence."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("\n".join(problems.values()))
        self.problems = dict(problems)


def draft_waiver(
    view: View,
    check: str,
    *,
    reason: str,
    risk: str,
    author: str,
    approver: str,
    expires: str,
    ticket: str = "",
) -> Waiver:
    """Return the waiver of `check` as it stands in `view`, in force from then until `expires`.

    It covers the check in every gate, as it stands in the worst of them. `expires` is written
    `2026-12-06 06:00` (time of the project's zone) or with an offset. Raises Refused.
    """
    plan, now = view.picture.plan, view.picture.now
    problems = _Problems()
    problems.add("check", _unreadable(view) or _no_such_check(plan, check, plan.by_id))
    standing = None
    if not problems:
        standing = waivable(view, check)
        if standing is None:
            problems.add("check", _nothing_to_waive(view, check))
    problems.add("reason", filled.reason(reason, "The reason"))
    if risk not in RISKS:
        problems.add("risk", f"Say how high the risk is: {', '.join(RISKS[:-1])} or {RISKS[-1]}.")
    problems.add("author", filled.name_of(author, "who accepts the risk"))
    problems.add(
        "approver",
        filled.name_of(approver, "who approves it")
        or filled.another(approver, author, "The approver", "the author"),
    )
    ends, wrong = filled.end(expires, plan, now)
    problems.add("expires", wrong)
    problems.add("ticket", filled.line(ticket, "The ticket", filled.MAX_TICKET))
    problems.end()
    assert standing is not None
    assert ends is not None
    return Waiver(
        check=check,
        reason=reason.strip(),
        risk=risk,
        author=filled.tidy(author),
        approver=filled.tidy(approver),
        expires=ends,
        at=now,
        ticket=ticket.strip(),
        standing=standing.value,
        digest=plan.by_id[check].digest,
    )


def draft_attestation(
    plan: Plan,
    check: str,
    *,
    holds: bool | None,
    by: str,
    now: datetime,
    note: str = "",
    attachments: tuple[tuple[str, str], ...] = (),
) -> Attestation:
    """Return a person's statement for the manual check `check`. Raises Refused."""
    problems = _Problems()
    statement = ""
    try:
        statement = statement_of(plan, check)
    except Refused as refused:
        problems.update(refused.problems)
    if holds is None:
        problems.add("holds", "Say which it is: that it holds, or that it fails.")
    problems.add("by", filled.name_of(by, "who states it"))
    problems.add("note", filled.long(note, "The note"))
    problems.add("attachments", filled.attachments_of(attachments))
    problems.end()
    assert holds is not None
    return Attestation(
        check=check,
        holds=holds,
        by=filled.tidy(by),
        at=now.astimezone(UTC),
        note=note.strip(),
        attachments=attachments,
        statement=statement,
    )


def statement_of(plan: Plan, check: str) -> str:
    """Return what a person states by attesting `check`; raises Refused where no person can."""
    planned = plan.by_id.get(check)
    if planned is None:
        manual = [item.id for item in plan.checks if item.type == "manual"]
        raise Refused({"check": _no_such_check(plan, check, manual, "manual check")})
    if planned.type != "manual":
        sentence = (
            f"The check '{check}' is of type {planned.type}: it is measured, and no statement replaces that."
        )
        raise Refused({"check": sentence})
    return str(planned.params["statement"])


def draft_decision(
    view: View,
    milestone: str,
    *,
    decided: str,
    by: str,
    confirmation: str,
    second: str = "",
    note: str = "",
    head: str = "",
) -> Decision:
    """Return the sign-off of `milestone` with the verdict as it stands in `view`.

    `decided` is `GO` or `NO-GO`; a GO that the rules do not give needs a reason (`note`) and a second person;
    `confirmation` must be the project's id, typed. Raises Refused.
    """
    picture, problems = view.picture, _Problems()
    found = next((item for item in picture.verdicts if item.milestone.id == milestone), None)
    known = [item.milestone.id for item in picture.verdicts]
    if found is None:
        problems.add("milestone", _no_such(milestone, known, "milestone", "its milestones are"))
    else:
        problems.add("milestone", _unreadable(view))
    if decided not in (GO, NO_GO):
        problems.add("decided", "Say what is decided: GO or NO-GO.")
    problems.add("by", filled.name_of(by, "who signs"))
    against = decided == GO and found is not None and found.verdict not in GOES
    if against and not second.strip():
        assert found is not None
        problems.add(
            "second",
            f"The rules say {found.verdict.value}, not GO: against them a second person must sign, too.",
        )
    elif second.strip():
        problems.add(
            "second",
            filled.name_of(second, "who signs with them")
            or filled.another(second, by, "The second signer", "the first"),
        )  # fmt: skip
    if against:
        problems.add("note", filled.reason(note, "A GO against the rules needs a reason (the note): it"))
    else:
        problems.add("note", filled.long(note, "The note"))
    if confirmation.strip() != picture.plan.project.id:
        problems.add(
            "confirmation", f"Type the project's id to confirm: {safe(picture.plan.project.id, limit=100)}."
        )
    if head and not _HEAD.match(head):
        problems.add("head", "The ledger's last entry is named by its number and hash, like 123:9c1e....")
    problems.end()
    assert found is not None
    return Decision(
        milestone=milestone,
        verdict=found.verdict.value,
        by=filled.tidy(by),
        at=picture.now,
        note=note.strip(),
        decided=decided,
        second=filled.tidy(second),
        head=head,
    )


def with_waiver(view: View, waiver: Waiver) -> tuple[MilestoneVerdict, ...]:
    """Return the verdicts on all milestones as they would become with `waiver`."""
    return _judged(view, (*view.waivers, waiver), view.decisions)


def with_decision(view: View, decision: Decision) -> tuple[MilestoneVerdict, ...]:
    """Return the verdicts on all milestones as they would become with `decision`."""
    return _judged(view, view.waivers, (*view.decisions, decision))


def as_of(view: View, now: datetime) -> View:
    """Return `view` judged anew at `now`: what is decided is decided on how it stands then."""
    picture = replace(view.picture, now=now)
    verdicts = _judged(replace(view, picture=picture), view.waivers, view.decisions)
    return replace(view, picture=replace(picture, verdicts=verdicts))


def waivable(view: View, check: str) -> Standing | None:
    """Return the worst standing that keeps a gate from GO, waived or not; None if there is none."""
    found = [
        item.standing
        for verdict in view.picture.verdicts
        for item in verdict.standings
        if item.check == check
        and item.required
        and item.standing is not Standing.PASS
        and not (item.standing is Standing.WARN and verdict.milestone.gate.warnings)
    ]
    return max(found, key=weight, default=None)


def _judged(
    view: View, waivers: Iterable[Waiver], decisions: Iterable[Decision]
) -> tuple[MilestoneVerdict, ...]:
    picture = view.picture
    judged = judge_plan(
        picture.plan, cast("Mapping[str, Evidence]", picture.results), now=picture.now, waivers=waivers,
        decisions=decisions,
    )  # fmt: skip
    return doubted(judged, view.problems)


class _Problems(dict[str, str]):
    """What is wrong, by field; the first problem of a field is the one that is said."""

    def add(self, field: str, problem: str) -> None:
        if problem:
            self.setdefault(field, problem)

    def end(self) -> None:
        if self:
            raise Refused(self)


def _unreadable(view: View) -> str:
    if not view.problems:
        return ""
    return f"Nothing can be decided while the project cannot be read: {safe(view.problems[0], limit=500)}"


def _no_such_check(plan: Plan, check: str, known: Iterable[str], noun: str = "check") -> str:
    return "" if check in plan.by_id else _no_such(check, list(known), noun, f"its {noun}s are")


def _no_such(name: str, known: list[str], noun: str, those: str) -> str:
    if not name.strip():
        return f"Name the {noun}."
    hint = did_you_mean(name, known)
    if not hint:
        listed = f"{', '.join(known[:20])}{', ...' if len(known) > 20 else ''}"
        hint = f"{those}: {listed}." if known else f"it has no {noun} at all."
    return f"The project has no {noun} '{safe(name, limit=80)}': {hint}"


def _nothing_to_waive(view: View, check: str) -> str:
    seen = [item for verdict in view.picture.verdicts for item in verdict.standings if item.check == check]
    if not any(item.required for item in seen):
        return (
            f"No gate requires the check '{check}', so it keeps nothing from GO: there is nothing to waive."
        )
    word = "warns, and every gate that requires it allows that" if any(
        item.standing is Standing.WARN for item in seen
    ) else "passes"  # fmt: skip
    return f"The check '{check}' {word}: there is nothing to waive."
