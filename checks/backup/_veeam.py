"""What a Veeam backup server answers about one job. Never run on a real one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from checks.dataclass import dataclass
from checks.remote.windows import flag, many, moment, script, word

MAX_POINTS = 5000

LOOK = script(
    "veeam",
    """
$WarningPreference = 'SilentlyContinue'
Import-Module Veeam.Backup.PowerShell -DisableNameChecking
$backups = @(Get-VBRBackup | Where-Object { $_.Name -eq $p.job -or $_.JobName -eq $p.job })
$points = @($backups | ForEach-Object { Get-VBRRestorePoint -Backup $_ })
$answer.cut = ($points.Count -gt $p.most)
$answer.points = @($points | Sort-Object CreationTime -Descending | Select-Object -First $p.most |
  ForEach-Object { @{
    id = "$($_.Id)"; machine = "$($_.VmName)"; name = "$($_.Name)"; at = Iso $_.CreationTime
    type = "$($_.Type)"; corrupt = $_.IsCorrupted
  } })
$answer.sessions = @(Get-VBRBackupSession | Where-Object { $_.JobName -eq $p.job } |
  Sort-Object CreationTime -Descending | Select-Object -First 20 | ForEach-Object { @{
    at = Iso $_.CreationTime; end = Iso $_.EndTime; state = "$($_.State)"; result = "$($_.Result)"
  } })
if ($p.surebackup) {
  if (Get-Command Get-VBRSureBackupSession -ErrorAction SilentlyContinue) {
    $s = @(Get-VBRSureBackupSession -Name $p.surebackup) | Sort-Object CreationTime | Select-Object -Last 1
    $t = if ($s) { @(Get-VBRSureBackupTaskSession -Session $s) } else { @() }
  } else {
    $s = @(Get-VSBSession -Name $p.surebackup) | Sort-Object CreationTime | Select-Object -Last 1
    $t = if ($s) { @(Get-VSBTaskSession -Session $s) } else { @() }
  }
  $answer.tests = @($t | ForEach-Object { @{
    machine = "$($_.Name)"; result = "$($_.Result)"; at = Iso $s.CreationTime
    heartbeat = "$($_.HeartbeatStatus)"; ping = "$($_.PingStatus)"; script = "$($_.TestScriptStatus)"
    verification = "$($_.ValidationStatus)"
  } })
}
""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One restore point of one machine."""

    id: str
    machine: str
    at: datetime
    corrupt: bool | None
    """None if it is not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session of the job. `running` is one whose state is not Stopped or whose result is None."""

    created: datetime | None
    state: str
    result: str

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.state not in ("Stopped", "") or self.result in ("None", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """What SureBackup did with one machine: results as Veeam names them, empty where they are not told."""

    machine: str
    at: datetime | None
    """When the SureBackup session began."""
    result: str
    heartbeat: str
    ping: str
    script: str
    verification: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the backup server says of one job."""

    points: tuple[Point, ...]
    cut: bool
    sessions: tuple[Session, ...]
    """The newest first."""
    tests: tuple[Test, ...]


def read(answer: dict[str, Any]) -> Told:
    """Return what the answer of `LOOK` says."""
    points = [
        Point(
            id=word(row.get("id")),
            machine=word(row.get("machine")) or word(row.get("name")),
            at=at,
            corrupt=flag(row.get("corrupt")),
        )
        for row in many(answer.get("points"))
        if (at := moment(row.get("at")))
    ]
    sessions = [
        Session(created=moment(row.get("at")), state=word(row.get("state")), result=word(row.get("result")))
        for row in many(answer.get("sessions"))
    ]
    tests = [
        Test(
            machine=word(row.get("machine")), at=moment(row.get("at")), result=word(row.get("result")),
            heartbeat=word(row.get("heartbeat")), ping=word(row.get("ping")), script=word(row.get("script")),
            verification=word(row.get("verification")),
        )
        for row in many(answer.get("tests"))
    ]  # fmt: skip
    sessions.sort(key=lambda session: session.created.timestamp() if session.created else 0.0, reverse=True)
    return Told(
        points=tuple(points), cut=flag(answer.get("cut")) is not False, sessions=tuple(sessions),
        tests=tuple(tests),
    )  # fmt: skip
