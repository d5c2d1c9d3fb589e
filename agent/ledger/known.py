"""The newest result of a check, as status and verdict read it: complete but for the observation."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from agent.ledger import entries
from checks.dataclass import dataclass
from checks.words import Finding, Result, Status


@dataclass(slots=True)
class Known:
    """What the ledger knows about one execution of a check; `Ledger.result(seq)` has the whole of it.

    Not frozen because a status makes thousands of them and freezing doubles the cost; nobody changes one.
    """

    seq: int
    """Number of the entry."""
    check: str
    type: str
    status: Status
    started: datetime
    finished: datetime
    """`started` plus the duration, so a clock that was set in between does not bend it."""
    duration_s: float
    attempts: int
    digest: str
    """Of the definition that ran."""
    run: str
    vantage_name: str
    vantage_addresses: tuple[str, ...]
    required: bool
    milestone: str
    target: str
    blocked_by: str | None = None
    findings_json: str = "[]"
    """The findings as the ledger keeps them; read them by `findings`."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings, decoded now: most readers ask only for those of what did not pass."""
        return tuple(map(Finding.from_json, json.loads(self.findings_json)))

    @classmethod
    def of(cls, seq: int, result: Result, addresses: tuple[str, ...] = ()) -> Known:
        """Return what is known from `result`, seen from a vantage that has `addresses`."""
        return cls(
            seq=seq,
            check=result.check,
            type=result.type,
            status=result.status,
            started=result.started,
            finished=result.started + timedelta(seconds=result.duration_s),
            duration_s=result.duration_s,
            attempts=result.attempts,
            digest=result.digest,
            run=result.run,
            vantage_name=result.vantage,
            vantage_addresses=addresses,
            required=result.required,
            milestone=result.milestone,
            target=result.target,
            blocked_by=result.blocked_by,
            findings_json=entries.compact([finding.as_json() for finding in result.findings]),
        )
