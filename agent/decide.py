"""What a person decides in writing: a waiver, an attestation, a sign-off. Commands and dialogs share this.

Each `draft_*` function is pure: it returns the record, or raises Refused with everything that is wrong. The
caller stores it by `Ledger.add`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

from agent.accepted import CLOCK_TOLERANCE, GO, NO_GO, weight
from agent.files.times import moment, zone
from agent.persons import two_people, words
from agent.plan import Plan
from agent.records import Decision, Waiver
from agent.verdict import GOES, Evidence, MilestoneVerdict, Standing, judge_plan
from agent.watch import View
from checks.safe import safe
from checks.vantage import Attestation
from profiles.problems import did_you_mean

MIN_REASON = 20
"""Characters that a waiver's reason needs: `ok` explains nothing to whoever reads the report in a year."""
RISKS = ("low", "medium", "high")
MAX_DAYS = 400
"""How far away a waiver may end: what is accepted for longer belongs into the project file."""
MAX_TEXT, MAX_NAME, MAX_TICKET, MAX_ATTACHMENTS = 4000, 100, 200, 50
_MIN_LETTERS = 6
_REPEATS = ((re.compile(r"(.)\1{2,}"), r"\1\1"), (re.compile(r"(.{2,3}?)\1{2,}"), r"\1"),
            (re.compile(r"(.{4,60}?)\1+"), r"\1"))  # fmt: skip
_NOBODY = frozenset(
    {"todo", "tbd", "na", "none", "null", "unknown", "nobody", "anonymous", "yourname", "name"}
)
_HEAD = re.compile(r"\d+:[0-9a-f]{64}\Z", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_ZONED = re.compile(r"(.*\d)\s*\b([A-Za-z]{3,5})\Z", re.ASCII)


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
    problems.add("reason", _reason(reason, "The reason"))
    if risk not in RISKS:
        problems.add("risk", f"Say how high the risk is: {', '.join(RISKS[:-1])} or {RISKS[-1]}.")
    problems.add("author", _name(author, "who accepts the risk"))
    problems.add(
        "approver",
        _name(approver, "who approves it") or _another(approver, author, "The approver", "the author"),
    )
    ends = _expiry(expires, plan, now, problems)
    problems.add("ticket", _line(ticket, "The ticket", MAX_TICKET))
    problems.end()
    assert standing is not None
    assert ends is not None
    return Waiver(
        check=check,
        reason=reason.strip(),
        risk=risk,
        author=_tidy(author),
        approver=_tidy(approver),
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
    problems.add("by", _name(by, "who states it"))
    problems.add("note", _long(note, "The note"))
    problems.add("attachments", _attachments(attachments))
    problems.end()
    assert holds is not None
    return Attestation(
        check=check,
        holds=holds,
        by=_tidy(by),
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
    problems.add("by", _name(by, "who signs"))
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
            _name(second, "who signs with them")
            or _another(second, by, "The second signer", "the first"),
        )  # fmt: skip
    if against:
        problems.add("note", _reason(note, "A GO against the rules needs a reason (the note): it"))
    else:
        problems.add("note", _long(note, "The note"))
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
        by=_tidy(by),
        at=picture.now,
        note=note.strip(),
        decided=decided,
        second=_tidy(second),
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
    return judge_plan(
        picture.plan, cast("Mapping[str, Evidence]", picture.results), now=picture.now, waivers=waivers,
        decisions=decisions,
    )  # fmt: skip


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


def substance(text: str) -> int:
    """Return how many characters of `text` say something: without blanks, repeats and what cannot be seen."""
    said = " ".join(
        "".join(
            char if char.isspace() or unicodedata.category(char)[0] not in "CZ" else ""
            for char in unicodedata.normalize("NFKC", text[:MAX_TEXT])
        ).split()
    ).casefold()
    for repeats, once in _REPEATS:
        said = repeats.sub(once, said)
    letters = {char for char in said if char.isalpha()}
    return len(said.strip()) if len(letters) >= _MIN_LETTERS else 0


def _reason(text: str, what: str) -> str:
    if substance(text) < MIN_REASON:
        return f"{what} must tell whoever reads it in a year why, in at least {MIN_REASON} characters."
    return _long(text, "The reason")


def _long(text: str, what: str) -> str:
    if len(text) > MAX_TEXT:
        return f"{what} has at most {MAX_TEXT} characters; attach longer texts, or name where they are."
    return ""


def _line(text: str, what: str, limit: int) -> str:
    if len(text) > limit:
        return f"{what} has at most {limit} characters."
    return _printable(text.strip(), what)


def _printable(text: str, what: str) -> str:
    if safe(text) != text:
        return f"{what} contains characters that cannot be seen: {safe(text, limit=80)}."
    return ""


def _name(name: str, who: str) -> str:
    tidy = name.strip()
    if not tidy:
        return f"Say {who}."
    if len(tidy) > MAX_NAME:
        return f"A name has at most {MAX_NAME} characters."
    trouble = _printable(tidy, "The name")
    if trouble:
        return trouble
    told = "".join(words(tidy))
    if sum(map(str.isalpha, told)) < 2 or len(set(told)) < 2 or told in _NOBODY:
        return f"Say {who} by a name; '{tidy}' names nobody."
    return ""


def _another(name: str, other: str, this: str, that: str) -> str:
    if _name(other, that) or two_people(name, other):
        return ""
    return (
        f"{this} must be another person than {that}; '{safe(name.strip(), limit=60)}' and "
        f"'{safe(other.strip(), limit=60)}' may be one. Write both names in full."
    )


def _tidy(name: str) -> str:
    return " ".join(name.split())


def _expiry(text: str, plan: Plan, now: datetime, problems: _Problems) -> datetime | None:
    if not text.strip():
        problems.add("expires", "Say until when it is accepted, like 2026-12-06 06:00.")
        return None
    try:
        ends = expiry(text, plan)
    except ValueError as error:
        problems.add("expires", safe(str(error)))
        return None
    from agent.report.text import when

    said = when(ends, plan.project.timezone)
    if ends <= now + CLOCK_TOLERANCE:
        problems.add("expires", f"A waiver ends in the future; {said} is over.")
    elif ends > now + timedelta(days=MAX_DAYS):
        problems.add(
            "expires",
            f"A waiver lasts at most {MAX_DAYS} days, and {said} is later: what is accepted for good belongs "
            "into the project file (without, or required: false).",
        )
    return ends


def expiry(text: str, plan: Plan) -> datetime:
    """Return the instant that `text` means as the end of a waiver; raises ValueError with a full sentence."""
    return moment(_without_zone(text.strip()[:100], plan), zone(plan.project.timezone))


def _without_zone(text: str, plan: Plan) -> str:
    """Return a time without the abbreviation of the project's zone behind it, if it is the right one."""
    match = _ZONED.match(text)
    if match is None:
        return text
    bare, name = match[1], match[2].upper()
    if name in ("UTC", "GMT"):
        return f"{bare}Z"
    local = zone(plan.project.timezone)
    ends = moment(bare, local)
    expected = f"{ends.astimezone(local):%Z}"
    if name == expected:
        return bare
    raise ValueError(
        f"The time in {local.key} is then {expected}, not {name}: leave the zone out, or write the offset, "
        "like 2026-12-06 06:00+01:00."
    )


def _attachments(attachments: tuple[tuple[str, str], ...]) -> str:
    if len(attachments) > MAX_ATTACHMENTS:
        return f"At most {MAX_ATTACHMENTS} files are attached to one statement; pack them into one."
    for name, digest in attachments:
        if not name.strip() or len(name) > 255 or not _SHA256.match(digest):
            return f"The attachment '{safe(name, limit=80)}' needs a file name and its SHA-256."
    return ""
