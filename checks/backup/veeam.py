"""backup.veeam: a job of Veeam Backup & Replication has recent and whole restore points."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from checks.backup._check import BackupCheck
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, QUERIED, SAMPLE, Past
from checks.backup._veeam import LOOK, MAX_POINTS, Point, Session, Test, Told, read
from checks.backup._walk import Walk
from checks.bounds import Len
from checks.remote.check import require_login
from checks.remote.windows import ask
from checks.safe import safe
from checks.words import minute, rfc3339

Name = Annotated[str, Len(1, 200)]


class Veeam(BackupCheck):
    """A Veeam job has a recent restore point of each machine, made by a session that succeeded.

    Proves: the newest restore point of each machine of the job (the oldest of them counts), that it is not
    marked as corrupt, and that the newest session ended with Success: Warning is not success, and None is a
    session that still runs. With `surebackup`, that the machines were booted from the backup after their
    newest restore point was made, and each test that was really done; skipped tests are told and prove
    nothing.
    Cannot prove: what was not tested by SureBackup; an application behind a test that was skipped. Written
    after Veeam's documentation and never run on a real system. Version 13 wants PowerShell 7, and its Linux
    appliance has no PowerShell at all: then this cannot tell.
    If it fails: look at the job's last session in the console; mend, run the job, then the SureBackup job.

    Source: Veeam PowerShell Reference: Get-VBRRestorePoint, Get-VBRBackupSession,
    Get-VBRSureBackupTaskSession; user guide, SureBackup job processing.

    Example:
        type: backup.veeam
        host: backup.example.net
        user: Administrator
        job: Nightly servers
        machines: [FILES01, DC01]
    """

    system: ClassVar[str] = "veeam"
    job: Name
    """The job's name as the console shows it."""
    machines: Annotated[tuple[Name, ...], Len(1, 200)] | None = None
    """Machines that must have a restore point; left out, those that the backup holds."""
    surebackup: Name | None = None
    """The SureBackup job that boots these machines: its newest session proves rungs 4 to 6."""

    def __post_init__(self) -> None:
        require_login(self)
        if self.machines and len({name.lower() for name in self.machines}) != len(self.machines):
            raise ValueError("A machine is named twice in 'machines'.")

    def subject(self) -> str:
        """Return host and job."""
        return f"{self.host}: {self.job}"

    async def climb(self, walk: Walk) -> None:
        """Ask the backup server; loading its module alone takes half a minute."""
        asked = {"job": self.job, "surebackup": self.surebackup or "", "most": MAX_POINTS}
        answer = await ask(walk.remote, LOOK(asked, timeout_s=300.0), "Veeam Backup & Replication")
        self.tell(walk, read(answer))

    def tell(self, walk: Walk, told: Told) -> None:
        """Tell the rungs that follow from what it says."""
        how = "Get-VBRRestorePoint"
        if told.cut:
            walk.unknown(
                EXISTS, how, f"There are more than {MAX_POINTS} restore points: not all were read.",
                "Split the job, or keep fewer restore points.",
            )  # fmt: skip
            return
        held: dict[str, list[Past]] = {}
        for point in told.points:
            held.setdefault(point.machine.lower(), []).append(Past(id=point.machine, at=rfc3339(point.at)))
        wanted = [name.lower() for name in self.machines] if self.machines else sorted(held)
        lacking = [name for name in wanted if name not in held]
        if lacking or not wanted:
            what = safe(", ".join(lacking), limit=200) or "any machine"
            walk.failed(
                EXISTS, how, f"The backup of the job {safe(self.job)} has no restore point of {what}.",
                "Add the machine to the job and run it, or correct 'job' and 'machines'.",
            )  # fmt: skip
            return
        newest = [
            max((p for p in told.points if p.machine.lower() == name), key=lambda point: point.at)
            for name in wanted
        ]
        oldest = min(newest, key=lambda point: point.at)
        walk.newest = oldest.at
        walk.history = sorted(
            (
                Past(id=p.id, at=rfc3339(p.at)) for p in told.points
                if p.machine.lower() == oldest.machine.lower() and p is not oldest
            ),
            key=lambda past: past.at, reverse=True,
        )  # fmt: skip
        walk.proven(
            EXISTS, how, f"Restore points of {len(newest)} machines; the oldest of the newest is that of "
            f"{safe(oldest.machine)}, {minute(oldest.at)}.",
        )  # fmt: skip
        if walk.wants(COMPLETE):
            self._complete(walk, told, newest)
        if walk.wants(INTEGRITY):
            self._tested(walk, told, {p.machine.lower(): p.at for p in newest})

    def _complete(self, walk: Walk, told: Told, newest: list[Point]) -> None:
        how = "Get-VBRBackupSession"
        corrupt = [point.machine for point in newest if point.corrupt]
        untold = [point.machine for point in newest if point.corrupt is None]
        if corrupt:
            walk.failed(
                COMPLETE, "Get-VBRRestorePoint",
                f"The newest restore point of {safe(', '.join(corrupt), limit=200)} is marked as corrupt.",
                "Run an active full backup, and find out what the repository lost.",
            )  # fmt: skip
            return
        if untold:
            walk.unknown(
                COMPLETE, "Get-VBRRestorePoint",
                f"Whether the restore point of {safe(untold[0])} is corrupt is not told.",
                "Look at its property IsCorrupted in the console of this version.",
            )  # fmt: skip
            return
        ended = next((s for s in told.sessions if not s.running), None)
        running = any(session.running for session in told.sessions[:1])
        if ended is None:
            walk.unknown(
                COMPLETE, how, "No session of the job has ended yet." if running else "No session is listed.",
                "Wait for its end, or look at the job in the console.",
            )  # fmt: skip
        elif ended.result == "Failed":
            walk.failed(
                COMPLETE, how, f"The session of {_when(ended)} failed.", "Mend what it says; run the job."
            )
        elif ended.result != "Success":
            walk.unknown(
                COMPLETE, how, f"The session of {_when(ended)} ended with {safe(ended.result) or 'nothing'}, "
                "which is not success: something was left out or not verified.",
                "Read the warnings of the session, mend them, and run the job again.",
            )  # fmt: skip
        elif running:
            walk.unknown(
                COMPLETE, how, "A session of the job is running just now (result None): its restore point is "
                "not whole yet.", "Wait for its end and run the check again.",
            )  # fmt: skip
        else:
            walk.proven(COMPLETE, how, f"The newest session ({_when(ended)}) ended with Success.")

    def _tested(self, walk: Walk, told: Told, newest: dict[str, datetime]) -> None:
        how = "SureBackup"
        fix = "Let a SureBackup job boot these machines, and name it by 'surebackup'."
        if self.surebackup is None:
            walk.unknown(
                INTEGRITY, how, "No SureBackup job is named, and a session reads nothing again.", fix
            )
            return
        tests = {test.machine.lower(): test for test in told.tests}
        for name, at in sorted(newest.items()):
            test = tests.get(name)
            if test is None:
                walk.unknown(INTEGRITY, how, f"{safe(name)} was not in its newest session.", fix)
            elif test.at is None or test.at <= at:
                walk.unknown(
                    INTEGRITY, how, f"{safe(name)} was tested before its newest restore point was made.",
                    "Run the SureBackup job now.",
                )  # fmt: skip
            else:
                _one(walk, test)


_NOT_DONE = ("", "None", "Skipped", "Disabled", "NotPerformed", "NotDefined")


def _when(session: Session) -> str:
    return minute(session.created) if session.created else "an unknown time"


def _one(walk: Walk, test: Test) -> None:
    """Tell rungs 4 to 6 of one machine by its single tests: the whole may say Success with tests skipped."""
    machine = safe(test.machine)
    named = (
        (INTEGRITY, "verification of the backup file", (test.verification,)),
        (SAMPLE, "start from the backup with heartbeat or ping", (test.heartbeat, test.ping)),
        (QUERIED, "application test", (test.script,)),
    )
    for level, what, results in named:
        if not walk.wants(level):
            return
        done = [
            result for result in results if result not in ("", "NotPerformed", "Disabled", "Skipped", "None")
        ]
        how = f"SureBackup: {what}"
        if any(result in ("Failed", "Error") for result in done) or test.result == "Failed":
            walk.failed(
                level, how, f"{machine}: failed.", "Look at the SureBackup session, mend the machine."
            )
        elif done and all(result == "Success" for result in done):
            walk.proven(level, how, f"{machine}: done, with success.")
        else:
            said = safe(", ".join(sorted(set(done))), limit=100)
            walk.unknown(
                level, how, f"{machine}: {said or 'was skipped or not set up'}.",
                "Switch this test on in the SureBackup job (and install the guest's tools), and run it.",
            )  # fmt: skip
