"""What a person decides in writing: a waiver, an attestation, a sign-off. Commands and dialogs share this.

Each `draft_*` function is pure: it returns the record, or raises Refused with everything that is wrong. The
caller stores it by `Ledger.add`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from agent.plan import Plan
from agent.records import Decision, Waiver
from agent.verdict import MilestoneVerdict
from agent.watch import View
from checks.vantage import Attestation

MIN_REASON = 20
"""Characters that a waiver's reason needs: `ok` explains nothing to whoever reads the report in a year."""
RISKS = ("low", "medium", "high")


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

    `expires` is written `2026-12-06 06:00` (time of the project's zone) or with an offset. Raises Refused.
    """
    raise NotImplementedError


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
    raise NotImplementedError


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
    raise NotImplementedError


def with_waiver(view: View, waiver: Waiver) -> tuple[MilestoneVerdict, ...]:
    """Return the verdicts on all milestones as they would become with `waiver`."""
    raise NotImplementedError


def with_decision(view: View, decision: Decision) -> tuple[MilestoneVerdict, ...]:
    """Return the verdicts on all milestones as they would become with `decision`."""
    raise NotImplementedError
