"""The verdict on a backup: the rung it reached, its age, its size, and how long a restore would take."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from checks.backup._asked import CLOCK_SLACK_S, Asked, compared
from checks.backup._ladder import FRESH, NAMES, BackupSeen, Restore, Step, proof_level
from checks.judging import cannot_tell, failed, passed, warned, within
from checks.safe import safe
from checks.words import Finding, Measure, span

CLOCK_LIMIT_S = 300.0
MIN_SAMPLE = 256 * 1024 * 1024
REFERENCE = "NIST SP 800-34 Rev. 1, section 3.4 (backup and recovery)"


def judge_backup(asked: Asked, seen: BackupSeen) -> Iterator[Finding]:
    """Return the findings that follow from what was seen, the rung first."""
    yield _rung(asked, seen)
    yield from (_step(seen, step) for step in seen.steps if step.level != FRESH)
    yield from (passed(seen.host, safe(note, limit=600)) for note in seen.notes)
    yield from _age(asked, seen)
    yield from _schedule(asked, seen)
    yield from _growth(asked, seen)
    if seen.past_lock:
        yield warned(
            seen.host, f"It was read past a lock: {safe(seen.past_lock, limit=300)}",
            expected="nobody writes into it while it is verified", observed="locked",
            fix="Run it again when the backup that holds the lock has ended.",
        )  # fmt: skip
    if asked.rto_s is not None:
        yield _restore_time(asked.rto_s, asked, seen.restore)
    if seen.clock_offset_s is not None and abs(seen.clock_offset_s) > CLOCK_LIMIT_S:
        yield warned(
            seen.host, "The clock of the host is off; ages and times of backups are by that clock.",
            expected=f"at most {span(CLOCK_LIMIT_S)} from this laptop's clock",
            observed=f"{span(abs(seen.clock_offset_s))} {'ahead' if seen.clock_offset_s > 0 else 'behind'}",
            fix="Set the host's clock by NTP.",
        )  # fmt: skip


def _rung(asked: Asked, seen: BackupSeen) -> Finding:
    level, least = min(seen.proof_level, proof_level(seen.steps)), asked.min_level
    expected = f"at least rung {least} ({NAMES[least]})"
    observed = f"rung {level} ({NAMES[level]})" if 0 <= level < len(NAMES) else f"rung {level}"
    if level >= least:
        return passed(seen.host, "It is proven as far as was asked.", expected=expected, observed=observed)
    short = [step for step in seen.steps if step.outcome == "failed" and step.level != FRESH]
    fix = next((step.fix for step in (*short, *seen.steps) if step.fix and step.level != FRESH), "")
    fix = fix or "Ask for a lower rung, or find out why this one was not tried."
    if short or (level == 1 and least == FRESH and any(step.outcome == "failed" for step in seen.steps)):
        return failed(
            seen.host, "It is not proven as far as was asked.", expected=expected, observed=observed, fix=fix,
            reference=REFERENCE,
        )  # fmt: skip
    return cannot_tell(
        seen.host,
        "It could not be proven as far as was asked.",
        expected=expected,
        observed=observed,
        fix=fix,
    )


def _step(seen: BackupSeen, step: Step) -> Finding:
    subject = f"{seen.host}: {NAMES[step.level] if 0 <= step.level < len(NAMES) else step.level}"
    message = safe(step.detail, limit=600)
    if not subject.endswith(f": {step.how}"):
        message = f"{safe(step.how, limit=200)}: {message}"
    fix = step.fix or "Look at the backup by hand."
    if step.outcome == "failed":
        return failed(subject, message, fix=fix, reference=REFERENCE)
    if step.outcome == "unknown":
        return cannot_tell(subject, message, fix=fix)
    return passed(subject, message)


def _age(asked: Asked, seen: BackupSeen) -> Iterator[Finding]:
    if seen.age_s is None:
        yield cannot_tell(
            seen.host, "The age of the newest backup is not known.", expected=f"at most {span(asked.rpo_s)}",
            observed="unknown", fix="Make a backup, or see above why none could be looked at.",
        )  # fmt: skip
        return
    if seen.age_s < -CLOCK_SLACK_S:
        yield failed(
            seen.host, "The newest backup lies in the future by the host's own clock.",
            expected=f"0 to {span(asked.rpo_s)} old", observed=f"{span(-seen.age_s)} ahead ({seen.newest})",
            fix="Set the clocks by NTP (of the host, and of what makes the backup), then back up anew.",
        )  # fmt: skip
    else:
        ours = seen.age_s - _off(seen, CLOCK_LIMIT_S)
        if seen.age_s <= asked.rpo_s < ours:
            yield cannot_tell(
                seen.host, "The clock of the host is so far behind that the age may be too great.",
                expected=f"at most {span(asked.rpo_s)}",
                observed=f"{span(max(seen.age_s, 0.0))} by the host's clock, {span(ours)} by this laptop's",
                fix="Set the host's clock by NTP, and run the check again.",
            )  # fmt: skip
        yield within(
            seen.host,
            Measure(
                name="age", value=max(seen.age_s, 0.0) / 3600, unit="h", fail=asked.rpo_s / 3600,
                source="rpo, the recovery point objective",
            ),
            fix="Make a backup now, find out why the schedule did not, and run the check again.",
        )  # fmt: skip
    if asked.newer_than is None:
        return
    after = datetime.fromisoformat(asked.newer_than)
    newest = _time(seen.newest)
    if newest is None:
        yield cannot_tell(
            seen.host, "It is not known whether the newest backup is of after the freeze.",
            expected=f"after {asked.newer_than}", observed="unknown", fix="Make a backup now.",
        )  # fmt: skip
    elif newest <= after:
        now = _time(seen.host_time)
        ahead = now is not None and now < after
        yield failed(
            seen.host, "The newest backup is older than the freeze, which has not begun yet."
            if ahead else "The newest backup is older than the freeze: going back to it would lose work.",
            expected=f"after {asked.newer_than}", observed=f"{seen.newest}",
            fix="Run the check again when the freeze has begun and a backup (or a rollback point) was made."
            if ahead else
            "Make a backup (or a rollback point) now, after the freeze, and run the check again.",
        )  # fmt: skip
    elif (newest - after).total_seconds() <= _off(seen, CLOCK_SLACK_S):
        yield cannot_tell(
            seen.host, "The newest backup is of after the freeze by a clock that is ahead, and may be of "
            "before.", expected=f"after {asked.newer_than}",
            observed=f"{seen.newest}, by a clock that is {span(_off(seen, 0.0))} ahead",
            fix="Set the host's clock by NTP, make a backup now, and run the check again.",
        )  # fmt: skip
    else:
        yield passed(
            seen.host, "The newest backup is of after the freeze.", expected=f"after {asked.newer_than}",
            observed=f"{seen.newest}",
        )  # fmt: skip


def _schedule(asked: Asked, seen: BackupSeen) -> Iterator[Finding]:
    """A schedule that left out a night lately may leave out the next."""
    known = [_time(past.at) for past in seen.history[: asked.history]]
    times = [time for time in (_time(seen.newest), *known) if time]
    gaps = [(later - earlier).total_seconds() for later, earlier in pairwise(sorted(times, reverse=True))]
    if gaps and max(gaps) > asked.rpo_s:
        yield warned(
            seen.host, "The schedule left a gap that is longer than the recovery point objective.",
            expected=f"at most {span(asked.rpo_s)} between two backups",
            observed=f"{span(max(gaps))} among the last {len(gaps) + 1}",
            fix="Look into the log of the backup of that time, and watch the schedule until the cutover.",
        )  # fmt: skip


def _growth(asked: Asked, seen: BackupSeen) -> Iterator[Finding]:
    for what, now, median in compared(seen.bytes, seen.files, seen.history, asked):
        if now > median * (1 + asked.size_growth / 100):
            yield warned(
                seen.host, f"The newest backup has far more {what} than the earlier ones.",
                expected=f"at most {asked.size_growth:g}% above {median:,.0f}", observed=f"{now:,} {what}",
                fix="Look what is new in it: a copy of everything, or files that an attacker encrypted.",
            )  # fmt: skip


def _restore_time(rto_s: float, asked: Asked, restore: Restore | None) -> Finding:
    subject = "restore time (estimate)"
    if restore is None:
        return cannot_tell(
            subject, "No restore was timed.", expected=f"at most {span(rto_s)}", observed="not measured",
            fix="Ask for rung 5 (min_level: 5), whose restore is timed where the system can be; where it is "
            "not, time a restore by hand and attest it.",
        )  # fmt: skip
    least = max(MIN_SAMPLE, restore.total_bytes // 100)
    if restore.bytes < min(least, restore.total_bytes):
        return cannot_tell(
            subject, "The sample is too small to say how long the whole would take.",
            expected=f"a sample of at least {least:,} bytes", observed=f"{restore.bytes:,} bytes",
            fix="Raise 'sample_files', so that the sample has 256 MiB and a hundredth of the whole.",
        )  # fmt: skip
    seconds = estimate_s(restore) + asked.rebuild_s
    source = f"rto; {restore.bytes:,} bytes in {restore.seconds:.3g} s, with half as much again"
    return within(
        subject,
        Measure(name="restore", value=seconds / 3600, unit="h", fail=rto_s / 3600, source=source),
        fix="Restore faster (nearer disk, more streams), restore less, or agree on a longer objective.",
    )


def estimate_s(restore: Restore) -> float:
    """Return the seconds the whole would take: start-up, then the slower of bytes and files times 1.5."""
    busy = max(restore.seconds - restore.startup_s, 1e-3)
    by_bytes = restore.total_bytes * busy / restore.bytes if restore.bytes else 0.0
    by_files = restore.total_files * busy / restore.files if restore.files else 0.0
    return restore.startup_s + 1.5 * max(by_bytes, by_files)


def _off(seen: BackupSeen, least: float) -> float:
    """Return by how much the host's clock is ahead of this laptop's, 0 for no more than `least`."""
    off = seen.clock_offset_s or 0.0
    return off if abs(off) > least else 0.0


def _time(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
