"""backup.windows: Windows Server Backup made a recent backup, and its last one succeeded."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar

from checks.backup._check import BackupCheck
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, Past
from checks.backup._walk import Walk
from checks.bounds import Ge, Le, Len
from checks.dataclass import dataclass
from checks.remote.check import require_login
from checks.remote.windows import ask, flag, many, moment, number, script, texts, word
from checks.safe import safe
from checks.words import minute, rfc3339

LOOK = script(
    "wsb",
    """
$s = Get-WBSummary
$answer.summary = @{
  last = Iso $s.LastBackupTime; success = Iso $s.LastSuccessfulBackupTime; result = $s.LastBackupResultHR
  detailed = $s.LastBackupResultDetailedHR; target = "$($s.LastBackupTarget)"; versions = $s.NumberOfVersions
  operation = "$($s.CurrentOperationStatus)"
}
$answer.running = @(Get-WBJob | Where-Object { "$($_.JobState)" -eq 'Running' }).Count
$answer.sets = @(Get-WBBackupSet | Sort-Object BackupTime | Select-Object -Last 100 | ForEach-Object { @{
  version = "$($_.VersionId)"; at = Iso $_.BackupTime; target = "$($_.BackupTarget.Label)"
  items = "$($_.RecoverableItems)"
  volumes = @($_.Volume | ForEach-Object { "$($_.MountPath)" } | Where-Object { $_ })
} })
$answer.jobs = @(Get-WBJob -Previous 20 | ForEach-Object { @{
  type = "$($_.JobType)"; state = "$($_.JobState)"; start = Iso $_.StartTime; end = Iso $_.EndTime
  result = $_.HResult; error = "$($_.ErrorDescription)"
} })
$policy = Get-WBPolicy
if ($policy) {
  $answer.planned = @(Get-WBVolume -Policy $policy | ForEach-Object { "$($_.MountPath)" } |
    Where-Object { $_ })
  $answer.bmr = [bool](Get-WBBareMetalRecovery -Policy $policy)
}
""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSet:
    """One version in the catalogue, with the volumes that it holds."""

    version: str
    at: datetime
    volumes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What Windows Server Backup says of itself."""

    sets: tuple[BackupSet, ...]
    """The oldest first."""
    last: datetime | None
    success: datetime | None
    result: int | None
    detailed: int | None
    running: bool
    planned: frozenset[str]


def read(answer: dict[str, Any]) -> Told:
    """Return what the answer of `LOOK` says."""
    summary = answer.get("summary")
    summary = summary if isinstance(summary, dict) else {}
    sets = [
        BackupSet(
            version=word(row.get("version")),
            at=at,
            volumes=frozenset(_volume(name) for name in texts(row.get("volumes"))),
        )
        for row in many(answer.get("sets"))
        if (at := moment(row.get("at")))
    ]
    return Told(
        sets=tuple(sorted(sets, key=lambda one: one.at)),
        last=moment(summary.get("last")),
        success=moment(summary.get("success")),
        result=number(summary.get("result")),
        detailed=number(summary.get("detailed")),
        running=bool(number(answer.get("running"))) or flag(answer.get("running")) is True,
        planned=frozenset(_volume(name) for name in texts(answer.get("planned"))),
    )


def _volume(name: str) -> str:
    return name.rstrip("\\").upper()


class Windows(BackupCheck):
    """Windows Server Backup holds a recent version, and its last backup succeeded.

    Proves: the newest version in the catalogue and its age; that the last backup ended without an error, is
    that version, and holds every volume that the schedule names.
    Cannot prove: that a byte of it can be read: Windows Server Backup offers no command that reads a version
    again. A shadow copy is no backup and is not counted. Written after Microsoft's documentation and never
    run on a real system.
    If it fails: look into Event Viewer, Applications and Services Logs, Microsoft, Windows, Backup; make a
    backup by hand (wbadmin start backup), and restore a file from it.

    Source: Microsoft Learn, module WindowsServerBackup: Get-WBSummary, Get-WBBackupSet, Get-WBJob.

    Example:
        type: backup.windows
        host: files.example.net
        user: Administrator
        rpo: 26h
    """

    system: ClassVar[str] = "windows-server-backup"
    volumes: Annotated[tuple[Annotated[str, Len(1, 260)], ...], Len(1, 50)] | None = None
    """Volumes that the newest version must hold, such as `["C:", "D:"]`; left out, those of the schedule."""
    min_level: Annotated[int, Ge(1), Le(6)] = 3
    """The rung of the proof ladder that is asked for. No more than 3 (complete) can be proven here: restore
    a file by hand and attest it (`type: manual`) for more."""

    def __post_init__(self) -> None:
        require_login(self)

    async def climb(self, walk: Walk) -> None:
        """Ask Windows Server Backup."""
        command = LOOK(timeout_s=120.0)
        self.tell(walk, read(await ask(walk.remote, command, "Windows Server Backup")))

    def tell(self, walk: Walk, told: Told) -> None:
        """Tell the rungs that follow from what it says."""
        if not told.sets:
            walk.failed(
                EXISTS, "Get-WBBackupSet", "There is no version in the catalogue of Windows Server Backup.",
                "Make a backup (wbadmin start backup), or correct 'host'.",
            )  # fmt: skip
            return
        newest = told.sets[-1]
        walk.newest = newest.at
        walk.history = [Past(id=one.version, at=rfc3339(one.at)) for one in reversed(told.sets[:-1])]
        walk.proven(
            EXISTS, "Get-WBBackupSet",
            f"{len(told.sets)} versions; the newest is {safe(newest.version)} of {minute(newest.at)}.",
        )  # fmt: skip
        if walk.wants(COMPLETE):
            self._complete(walk, told, newest)
        if walk.wants(INTEGRITY):
            walk.unknown(
                INTEGRITY, "Windows Server Backup", "It offers no command that reads a version again.",
                "Restore a file by hand and attest it (type: manual), and ask for rung 3 here.",
            )  # fmt: skip

    def _complete(self, walk: Walk, told: Told, newest: BackupSet) -> None:
        how = "Get-WBSummary"
        if told.result is None or told.detailed is None or told.last is None:
            walk.unknown(
                COMPLETE,
                how,
                "How the last backup ended is not said.",
                "Look at Get-WBSummary as Administrator.",
            )
        elif told.result or told.detailed:
            code = (told.result or told.detailed) & 0xFFFFFFFF
            walk.failed(
                COMPLETE, how, f"The last backup ({minute(told.last)}) ended with error 0x{code:08X}.",
                "Look into the event log of Microsoft-Windows-Backup, mend it, and back up anew.",
            )  # fmt: skip
        elif told.success is None or abs((told.success - newest.at).total_seconds()) > 120:
            when = minute(told.success) if told.success else "never"
            walk.unknown(
                COMPLETE, how, f"The newest version is of {minute(newest.at)}, the last success of {when}: "
                "they are not the same backup.",
                "A backup is running, or the newest version was not made to its end: look at Get-WBJob.",
            )  # fmt: skip
        elif missing := sorted(self._wanted(told) - newest.volumes):
            walk.failed(
                COMPLETE, "Get-WBBackupSet",
                f"The newest version lacks {safe(', '.join(missing), limit=200)}.",
                "Add the volumes to the backup's schedule, and back up anew.",
            )  # fmt: skip
        elif not newest.volumes:
            walk.unknown(
                COMPLETE, "Get-WBBackupSet", "Which volumes the newest version holds is not said.",
                "Name the 'volumes' that it must hold after a look at wbadmin get items.",
            )  # fmt: skip
        else:
            running = " Another one is running just now." if told.running else ""
            walk.proven(
                COMPLETE, how, f"The last backup ended without an error and holds "
                f"{safe(', '.join(sorted(newest.volumes)), limit=200)}.{running}",
            )  # fmt: skip

    def _wanted(self, told: Told) -> frozenset[str]:
        return frozenset(map(_volume, self.volumes)) if self.volumes else told.planned
