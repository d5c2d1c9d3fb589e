"""What the ledger keeps besides results: runs with their vantage, waivers, attestations, decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from checks.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VantageRecord:
    """Where the results of a run were seen from, and what this laptop could not do there."""

    name: str
    """What gates match on: `--vantage`, or the host's name."""
    host: str
    user: str
    os: str
    tool: str
    interfaces: tuple[dict[str, Any], ...] = ()
    addresses: tuple[str, ...] = ()
    """Addresses of the links that are up, without loopback, link-local ones and those of a VPN: its address
    in the office's network does not make this laptop stand in the office."""
    link_up: bool = True
    vpn: tuple[str, ...] = ()
    proxy: tuple[str, ...] = ()
    clock_offset_s: float | None = None
    """This laptop's clock minus true time; None where `limits` says why it is not known."""
    privileges: tuple[str, ...] = ()
    """What may be done here: `icmp`, `raw`, `admin`."""
    limits: tuple[str, ...] = ()
    """Full sentences: what cannot be tested from here, and what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run. A run that was killed has no `finished`; `outcome` is None until it ended by itself."""

    id: str
    started: datetime
    vantage: VantageRecord
    plan_digest: str
    selected: tuple[str, ...]
    """Ids of the checks that were to run."""
    finished: datetime | None = None
    outcome: Literal["finished", "cancelled"] | None = None
    clock_jump_s: float = 0.0
    """How far the wall clock moved against the monotonic clock during the run."""
    project_file: str = ""
    """Name of the project file; empty in runs of earlier versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A written accepted risk: it never changes the result it is about."""

    check: str
    reason: str
    risk: str
    author: str
    approver: str
    expires: datetime
    at: datetime
    ticket: str = ""
    standing: str = ""
    """How the check stood when the risk was accepted; a worse standing is not covered. Empty in waivers of
    earlier versions, which cover any."""
    digest: str = ""
    """Of the definition that was waived; a changed one is not covered. Empty covers any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A person's sign-off of a milestone, with the verdict as it stood."""

    milestone: str
    verdict: str
    """What the rules said when it was signed."""
    by: str
    at: datetime
    note: str = ""
    decided: str = ""
    """`GO` or `NO-GO`: what the person decided. Empty in decisions of earlier versions: as the verdict."""
    second: str = ""
    """Who signed with them: needed for a GO against the rules."""
    head: str = ""
    """Number and hash of the ledger's last entry when it was signed, `123:9c1e...`: what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A run that was given a name, to compare others with: handover, old office, before the change."""

    name: str
    run: str
    by: str
    at: datetime
