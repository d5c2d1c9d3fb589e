"""The words every room speaks: status, measure, finding, result.

Plain frozen data with no behaviour beyond reading and writing itself as JSON, so that a screen, a report or a
later version can use them without importing a check.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from typing import Any

from checks.dataclass import dataclass


class Status(enum.StrEnum):
    """What is known about a claim after it was tested. Ordered by `WORST_FIRST`."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    """It could not be tested: no rights, no credentials, no answer that means anything."""
    BLOCKED = "blocked"
    """Something it depends on did not pass, so it was not tried."""


WORST_FIRST = (Status.FAIL, Status.INCONCLUSIVE, Status.BLOCKED, Status.WARN, Status.PASS)
_RANK = {status: rank for rank, status in enumerate(WORST_FIRST)}


def rank(status: Status) -> int:
    """Return the place of `status` in `WORST_FIRST`; 0 is the worst."""
    return _RANK[status]


def worst(statuses: Iterable[Status]) -> Status:
    """Return the worst of `statuses`; nothing said is `inconclusive`, never a pass."""
    return min(statuses, key=rank, default=Status.INCONCLUSIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A number with its unit, its limits and where the limits come from.

    `warn` and `fail` are the last values that are still good (for warn) and still tolerable (for fail);
    None means there is no such limit. `source` names the document or the line of the project that set them.
    """

    name: str
    value: float
    unit: str
    warn: float | None = None
    fail: float | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One judged statement.

    `subject` names the peer it is about (a server, a port, an access point); `expected` and `observed` are
    readable side by side; `message` is a full sentence; `fix` says what to do and is required unless the
    status is `pass`; `reference` names the standard or vendor page.
    """

    status: Status
    subject: str
    message: str
    expected: str = ""
    observed: str = ""
    fix: str = ""
    reference: str = ""
    measure: Measure | None = None

    def __post_init__(self) -> None:
        if self.status is Status.BLOCKED:
            raise ValueError("A finding cannot be 'blocked': only the engine blocks a check.")
        if self.status is not Status.PASS and not self.fix:
            raise ValueError(
                f"A finding with status '{self.status}' must say what to do (fix): {self.message}"
            )

    def as_json(self) -> dict[str, Any]:
        """Return the finding as the JSON object that `gonogo run --json` prints."""
        data: dict[str, Any] = {
            "status": self.status.value,
            "subject": self.subject,
            "expected": self.expected,
            "observed": self.observed,
            "message": self.message,
            "fix": self.fix,
            "reference": self.reference,
        }
        if self.measure is not None:
            m = self.measure
            data["measure"] = {
                "name": m.name, "value": m.value, "unit": m.unit,
                "warn": m.warn, "fail": m.fail, "source": m.source,
            }  # fmt: skip
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        """Read what `as_json` wrote."""
        rest = {key: value for key, value in data.items() if key not in ("status", "measure")}
        measure = Measure(**data["measure"]) if data.get("measure") else None
        return cls(status=Status(data["status"]), measure=measure, **rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One time-stamped line of evidence that a check wrote while it observed; `text` is raw."""

    at: datetime
    text: str


def rfc3339(moment: datetime) -> str:
    """Write an aware time as RFC 3339 in UTC with microseconds: `2026-12-05T21:30:00.000000Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def minute(moment: datetime) -> str:
    """Write an aware time as a person reads it, in UTC: `2026-12-05 21:30 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def span(seconds: float) -> str:
    """Return a length of time in its two largest units: `3 d 4 h`, `12 min`, `4.2 s`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    parts = []
    rest = int(seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if rest >= size:
            parts.append(f"{rest // size} {unit}")
            rest %= size
    return " ".join(parts[:2])


def from_rfc3339(text: str) -> datetime:
    """Read an RFC 3339 time; one without an offset is refused with ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"The time {text!r} has no offset.")
    return moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One execution of a check: append-only once it is in the ledger.

    `observation` is the JSON form of what was seen (None if nothing was); `digest` names the definition that
    ran, so that a result of an older definition is not taken for this one; `blocked_by` is the id of the one
    check (or `vantage`) that is the cause.
    """

    check: str
    type: str
    milestone: str
    target: str
    required: bool
    status: Status
    started: datetime
    duration_s: float
    attempts: int
    findings: tuple[Finding, ...]
    observation: Any
    digest: str
    run: str
    vantage: str
    notes: tuple[Note, ...] = field(default=())
    blocked_by: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the result as the JSON object that `gonogo run --json` prints and the ledger keeps."""
        return {
            "check": self.check,
            "type": self.type,
            "milestone": self.milestone,
            "target": self.target,
            "required": self.required,
            "status": self.status.value,
            "started": rfc3339(self.started),
            "duration_s": round(self.duration_s, 6),
            "attempts": self.attempts,
            "findings": [finding.as_json() for finding in self.findings],
            "observation": self.observation,
            "digest": self.digest,
            "run": self.run,
            "vantage": self.vantage,
            "notes": [{"at": rfc3339(note.at), "text": note.text} for note in self.notes],
            "blocked_by": self.blocked_by,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        """Read what `as_json` wrote; unknown keys of later versions are left out."""
        return cls(
            check=data["check"],
            type=data["type"],
            milestone=data["milestone"],
            target=data["target"],
            required=data["required"],
            status=Status(data["status"]),
            started=from_rfc3339(data["started"]),
            duration_s=data["duration_s"],
            attempts=data["attempts"],
            findings=tuple(Finding.from_json(finding) for finding in data["findings"]),
            observation=data["observation"],
            digest=data["digest"],
            run=data["run"],
            vantage=data["vantage"],
            notes=tuple(Note(at=from_rfc3339(n["at"]), text=n["text"]) for n in data.get("notes", ())),
            blocked_by=data.get("blocked_by"),
        )
