"""The plan: what a project file means once its profile is expanded and every check validated.

Plain frozen data in normal form, so that it can be cached as JSON, printed by `gonogo plan`, run by the
engine and judged by the verdict without reading YAML or importing pydantic again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from checks import jsonable, registry
from checks.contract import Check
from checks.dataclass import dataclass

DEFAULT_MAX_AGE_S = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A vendor or contact: whom a failing check tells you to call."""

    id: str
    name: str
    role: str
    """`vendor` or `contact`."""
    phone: str = ""
    email: str = ""
    note: str = ""
    """Contract number, opening hours, escalation: whatever one needs while on hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCheck:
    """One check of the plan; `params` are in normal form and `digest` names type and params together."""

    id: str
    type: str
    milestone: str
    title: str
    required: bool
    params: Mapping[str, Any]
    digest: str
    target: str
    place: str
    """`file:line` where it is written."""
    owner: str | None = None
    """Id of the vendor or contact to call."""
    needs: tuple[str, ...] = ()
    timeout_s: float | None = None
    """What the project allows one attempt; None leaves it to the check."""
    retries: int = 0

    def build(self) -> Check[Any]:
        """Return the check itself, made from the normal form."""
        built: Check[Any] = jsonable.from_json(registry.load(self.type), dict(self.params))
        return built


@dataclass(frozen=True, slots=True, kw_only=True)
class GateNeed:
    """One check that a gate looks at."""

    check: str
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What a milestone needs: which results, how fresh, seen from where, and whether warnings pass."""

    needs: tuple[GateNeed, ...]
    max_age_s: float = DEFAULT_MAX_AGE_S
    warnings: bool = True
    vantages: tuple[str, ...] = ()
    """Globs on the vantage's name, or networks in CIDR form that one of its addresses lies in; empty: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """A dated point of the project with an owner, predecessors and a gate."""

    id: str
    title: str
    gate: Gate
    due: datetime | None = None
    after: tuple[str, ...] = ()
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The cutover that the plan is for; times are aware, `timezone` is the IANA name they are shown in."""

    id: str
    name: str
    timezone: str
    cutover: datetime | None = None
    customer: str = ""
    site: str = ""
    scope_in: tuple[str, ...] = ()
    scope_out: tuple[str, ...] = ()
    profile: str | None = None
    time_servers: tuple[str, ...] = ()
    """NTP servers (endpoints) that the vantage's self-check asks for this laptop's clock offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A check that is not planned, and why: `when` was not met, or the project left it out with a reason."""

    check: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything a run, a verdict and a report need to know about the project."""

    project: Project
    milestones: tuple[Milestone, ...]
    checks: tuple[PlannedCheck, ...]
    parties: tuple[Party, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    source: str = ""
    """Path of the project file, as given."""
    sources_digest: str = ""
    """SHA-256 over every file the plan was made from."""
    by_id: Mapping[str, PlannedCheck] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {check.id: check for check in self.checks})

    def party(self, owner: str | None) -> Party | None:
        """Return the vendor or contact with id `owner`, if there is one."""
        return next((party for party in self.parties if party.id == owner), None)

    def milestone(self, name: str) -> Milestone | None:
        """Return the milestone with id `name`, if there is one."""
        return next((milestone for milestone in self.milestones if milestone.id == name), None)


def definition_digest(kind: str, params: Mapping[str, Any]) -> str:
    """Return the SHA-256 that names a check's definition: its type and normal-form parameters."""
    text = json.dumps(
        {"params": params, "type": kind}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(text.encode()).hexdigest()
