"""One planned check to one result: attempts under a deadline, every exception caught, everything bounded."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from agent.engine.reaper import LoopBlocked, Reaper
from agent.engine.redact import redact, without_secrets
from agent.plan import PlannedCheck
from checks import jsonable
from checks.contract import CannotTell, Check, Finding, Note, Result, Status, Vantage, worst
from checks.dataclass import dataclass
from checks.judging import cannot_tell, warned
from checks.vantage import Shared

MAX_OBSERVATION_BYTES = 2_000_000
MAX_FINDINGS = 500
MAX_FINDING_CHARS = 4000
RETRY_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an attempt needs besides the check: the run it belongs to and what that run shares."""

    run: str
    vantage: str
    shared: Shared
    reaper: Reaper


async def perform(planned: PlannedCheck, check: Check[Any], subject: Subject) -> Result:
    """Run `check` with its retries and return its result; only cancellation of the run gets out.

    Secrets are taken out before judging: a judge that quotes half of one could not be cleaned afterwards.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    notes: list[Note] = []
    attempt = 0
    proven_wrong: tuple[tuple[Finding, ...], Any] | None = None
    while True:
        attempt += 1
        findings, observation = await _attempt(planned, check, subject, notes)
        status = worst(finding.status for finding in findings)
        if status not in (Status.FAIL, Status.INCONCLUSIVE) or attempt > planned.retries:
            break
        if status is Status.FAIL:
            proven_wrong = findings, observation
        await asyncio.sleep(RETRY_PAUSE_S)
    if status is Status.INCONCLUSIVE and proven_wrong is not None:
        status, (findings, observation) = Status.FAIL, proven_wrong
    if attempt > 1 and status in (Status.PASS, Status.WARN):
        findings = (*findings, _flapping(planned, attempt))
        status = Status.WARN
    result = _result(
        planned, subject, status, started=started, duration_s=time.monotonic() - clock, attempts=attempt,
        findings=findings, observation=observation, notes=tuple(notes),
    )  # fmt: skip
    return redact(result, subject.shared.secrets_seen) if subject.shared.secrets_seen else result


def never_ran(
    planned: PlannedCheck, subject: Subject, status: Status, finding: Finding | None, cause: str | None
) -> Result:
    """Return the result of a check that was blocked, could not be built or would not end."""
    return _result(
        planned, subject, status, started=datetime.now(UTC), duration_s=0.0, attempts=0,
        findings=(finding,) if finding is not None else (), observation=None, notes=(), blocked_by=cause,
    )  # fmt: skip


def _result(planned: PlannedCheck, subject: Subject, status: Status, **rest: Any) -> Result:
    return Result(
        check=planned.id, type=planned.type, milestone=planned.milestone, target=planned.target,
        required=planned.required, digest=planned.digest, run=subject.run, vantage=subject.vantage,
        status=status, **rest,
    )  # fmt: skip


async def _attempt(
    planned: PlannedCheck, check: Check[Any], subject: Subject, notes: list[Note]
) -> tuple[tuple[Finding, ...], Any]:
    allowance = planned.timeout_s or check.allowance()
    vantage = Vantage(subject.shared, planned.id, allowance)
    lease = subject.reaper.lease(allowance)
    observation: Any = None
    try:
        try:
            seen = await check.observe(vantage)
            observation = jsonable.to_json(seen)
            if subject.shared.secrets_seen:
                observation = without_secrets(observation, subject.shared.secrets_seen)
                seen = jsonable.from_json(type(seen), observation)
            findings = _bounded(check.judge(seen), planned)
            if _size(observation) > MAX_OBSERVATION_BYTES:
                observation = None
                findings = (*findings, _too_large(planned))
        finally:
            lease.end()
            notes.extend(vantage.notes())
    except CannotTell as reason:
        return (cannot_tell(planned.target, reason.reason, fix=reason.fix),), observation
    except asyncio.CancelledError:
        if not lease.expired:
            raise
        return (_overdue(planned, allowance),), observation
    except LoopBlocked:
        return (_overdue(planned, allowance),), observation
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a check raises must not end the run
        notes.append(Note(at=datetime.now(UTC), text=_trace(error)))
        return (_broken(planned, error),), observation
    return findings or (_said_nothing(planned),), observation


def _bounded(judged: Iterable[Finding], planned: PlannedCheck) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    for finding in judged:
        if not isinstance(finding, Finding):
            raise TypeError(f"judge gave {type(finding).__name__}, not a Finding")
        if len(findings) == MAX_FINDINGS:
            findings.append(
                cannot_tell(
                    planned.target,
                    f"The check made more than {MAX_FINDINGS} findings; the rest was cut off.",
                    fix="Split the check into several with fewer subjects each.",
                )
            )
            break
        findings.append(_clipped(finding))
    return tuple(findings)


def _clipped(finding: Finding) -> Finding:
    long = {
        name: getattr(finding, name)[:MAX_FINDING_CHARS] + " [cut]"
        for name in ("subject", "message", "expected", "observed", "fix")
        if len(getattr(finding, name)) > MAX_FINDING_CHARS
    }
    return dataclasses.replace(finding, **long) if long else finding


def _size(observation: Any) -> int:
    return len(json.dumps(observation, ensure_ascii=False, separators=(",", ":")))


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error, limit=-8))[-4000:]


def _overdue(planned: PlannedCheck, allowance: float) -> Finding:
    return cannot_tell(
        planned.target,
        f"The check did not finish within its {allowance:g} s.",
        expected=f"an answer within {allowance:g} s",
        observed="none",
        fix=f"See whether {planned.target} is slow, and run it again; its 'timeout' gives it longer.",
    )


def _broken(planned: PlannedCheck, error: BaseException) -> Finding:
    return cannot_tell(
        planned.target,
        f"The check itself broke ({type(error).__name__}: {str(error)[:300]}), so nothing is known.",
        fix="Its notes hold the trace. Run 'gonogo doctor', then report it with the trace.",
    )


def _said_nothing(planned: PlannedCheck) -> Finding:
    return cannot_tell(
        planned.target,
        "The check saw nothing it could judge, so nothing is known.",
        fix=f"Run 'gonogo explain {planned.type}' and see that its parameters match what is there.",
    )


def _too_large(planned: PlannedCheck) -> Finding:
    return cannot_tell(
        planned.target,
        f"The check saw more than {MAX_OBSERVATION_BYTES // 1_000_000} MB; the evidence was not kept.",
        fix="Narrow the check so that it asks for less.",
    )


def _flapping(planned: PlannedCheck, attempts: int) -> Finding:
    return warned(
        planned.target,
        f"It passed only at attempt {attempts}: it does not work every time.",
        fix="Find out why the first attempts did not pass before relying on it.",
        expected="a pass at the first attempt",
        observed=f"a pass at attempt {attempts}",
    )
