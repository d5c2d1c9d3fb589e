"""What a SQL Server answers about the backups of one database. Never run on a real one.

The queries go through System.Data.SqlClient, which is part of Windows PowerShell, as the account that logged
in; values are parameters of the queries.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from checks.dataclass import dataclass
from checks.remote.windows import flag, many, moment, number, script, texts, word

_OPEN = """
$c = New-Object System.Data.SqlClient.SqlConnection
$b = New-Object System.Data.SqlClient.SqlConnectionStringBuilder
$b['Data Source'] = $p.server
$b['Initial Catalog'] = 'master'
$b['Integrated Security'] = $true
$b['Connect Timeout'] = 15
$c.ConnectionString = $b.ConnectionString
function Ask($sql, $values) {
  $q = $c.CreateCommand(); $q.CommandText = $sql; $q.CommandTimeout = $p.seconds
  foreach ($name in $values.Keys) { [void]$q.Parameters.AddWithValue($name, $values[$name]) }
  $t = New-Object System.Data.DataTable
  $r = $q.ExecuteReader(); $t.Load($r); $r.Close()
  ,@($t.Rows)
}
function Run($sql, $values) {
  $q = $c.CreateCommand(); $q.CommandText = $sql; $q.CommandTimeout = $p.seconds
  foreach ($name in $values.Keys) { [void]$q.Parameters.AddWithValue($name, $values[$name]) }
  [void]$q.ExecuteNonQuery()
}
function Val($v) { if ($v -is [DBNull]) { $null } else { $v } }
function Disks($files) {
  $n = 0; $values = @{}; $parts = @()
  foreach ($file in $files) { $values["@d$n"] = $file; $parts += "DISK = @d$n"; $n++ }
  @{ text = ($parts -join ', '); values = $values }
}
$c.Open()
"""

LOOK = script(
    "sqlserver",
    _OPEN  # noqa: S608 - fixed texts; values are parameters
    + """
$state = Ask 'SELECT state_desc, recovery_model_desc FROM sys.databases WHERE name = @db' @{
  '@db' = $p.database }
$answer.state = if ($state.Count) { "$($state[0].state_desc)" } else { '' }
$answer.model = if ($state.Count) { "$($state[0].recovery_model_desc)" } else { '' }
$rows = Ask @'
SELECT TOP 2000 s.backup_set_id, s.backup_set_uuid, s.type, s.position, s.backup_start_date,
  s.first_lsn, s.last_lsn, s.differential_base_guid, s.backup_size, s.has_backup_checksums,
  s.is_damaged, s.is_snapshot, s.has_incomplete_metadata, s.media_set_id
FROM msdb.dbo.backupset s WHERE s.database_name = @db AND s.server_name = @@SERVERNAME
ORDER BY s.backup_set_id DESC
'@ @{ '@db' = $p.database }
$answer.sets = @($rows | ForEach-Object { @{
  id = $_.backup_set_id; uuid = "$($_.backup_set_uuid)"; type = "$($_.type)"; position = Val $_.position
  start = Iso $_.backup_start_date; first = "$($_.first_lsn)"
  last = "$($_.last_lsn)"; base = "$($_.differential_base_guid)"; bytes = Val $_.backup_size
  sums = Val $_.has_backup_checksums; damaged = Val $_.is_damaged; snapshot = Val $_.is_snapshot
  incomplete = Val $_.has_incomplete_metadata; media = $_.media_set_id
} })
$answer.files = @((Ask @'
SELECT f.media_set_id, f.family_sequence_number, f.physical_device_name, f.device_type
FROM msdb.dbo.backupmediafamily f WHERE f.mirror = 0 AND f.media_set_id IN (SELECT TOP 2000 s.media_set_id
  FROM msdb.dbo.backupset s WHERE s.database_name = @db ORDER BY s.backup_set_id DESC)
ORDER BY f.media_set_id, f.family_sequence_number
'@ @{ '@db' = $p.database }) | ForEach-Object { @{
  media = $_.media_set_id; path = "$($_.physical_device_name)"; device = Val $_.device_type
} })
$c.Close()
""",
)

VERIFY = script(
    "sqlserver-verify",
    _OPEN
    + """
$answer.results = @($p.sets | ForEach-Object {
  $set = $_; $d = Disks $set.files; $r = @{ uuid = $set.uuid; found = ''; damaged = $null; verified = $false }
  try {
    $h = @((Ask "RESTORE HEADERONLY FROM $($d.text)" $d.values) |
      Where-Object { $_.Position -eq $set.position })
    if ($h.Count -eq 1) { $r.found = "$($h[0].BackupSetGUID)"; $r.damaged = Val $h[0].IsDamaged }
    if ($p.verify) {
      $d.values['@f'] = $set.position
      Run ("RESTORE VERIFYONLY FROM $($d.text) WITH FILE = @f, CHECKSUM") $d.values
      $r.verified = $true
    }
  } catch {
    $e = $_.Exception.GetBaseException(); $r.error = "$($e.Message)"; $r.code = $e.Number
  }
  $r
})
$c.Close()
""",
)

RESTORE = script(
    "sqlserver-restore",
    _OPEN  # noqa: S608 - as above; the name is made here and holds letters, digits and _ only
    + """
$name = $p.scratch
if ((Ask 'SELECT name FROM sys.databases WHERE name = @n' @{ '@n' = $name }).Count) {
  throw "The database $name exists already."
}
$made = $false
try {
  $last = $p.sets.Count - 1; $n = 0
  foreach ($set in $p.sets) {
    $d = Disks $set.files; $d.values['@f'] = $set.position; $moves = ''
    if ($n -eq 0) {
      $i = 0
      foreach ($file in (Ask "RESTORE FILELISTONLY FROM $($d.text) WITH FILE = @f" $d.values)) {
        $from = ([string]$file.LogicalName).Replace("'", "''")
        $to = ($p.folder.TrimEnd('\\') + '\\' + $name + "_$i").Replace("'", "''")
        $moves += ", MOVE N'$from' TO N'$to'"; $i++
      }
    }
    $end = if ($n -eq $last) { 'RECOVERY' } else { 'NORECOVERY' }
    $what = if ($set.type -eq 'L') { 'LOG' } else { 'DATABASE' }
    $made = $true
    Run ("RESTORE $what [$name] FROM $($d.text) WITH FILE = @f, CHECKSUM, $end$moves") $d.values
    $n++
  }
  $answer.restored = $n
  $answer.checkdb = @((Ask "DBCC CHECKDB ([$name]) WITH NO_INFOMSGS, TABLERESULTS" @{}) |
    ForEach-Object { "$($_.MessageText)" })
  $sum = "SELECT COUNT(DISTINCT p.object_id) AS t, SUM(p.rows) AS r FROM [$name].sys.partitions p"
  $sum += " JOIN [$name].sys.tables t ON t.object_id = p.object_id WHERE p.index_id IN (0, 1)"
  $count = (Ask $sum @{})[0]
  $answer.tables = Val $count.t
  $answer.rows = Val $count.r
} finally {
  if ($made -and (Ask 'SELECT name FROM sys.databases WHERE name = @n' @{ '@n' = $name }).Count) {
    Run "DROP DATABASE [$name]" @{}
  }
}
$c.Close()
""",
    writes="restores the database under a name of its own (gonogo_scratch_...) and drops it again",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlBackup:
    """One backup set in msdb: `D` full, `I` differential, `L` log."""

    uuid: str
    type: str
    position: int
    start: datetime
    first: int
    last: int
    base: str
    """Of a differential: the full backup that it needs."""
    bytes: int | None
    sums: bool
    damaged: bool
    snapshot: bool
    incomplete: bool
    files: tuple[str, ...]
    on_disk: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the server says of the database and its backups, the oldest first."""

    state: str
    model: str
    backups: tuple[SqlBackup, ...]


def read(answer: dict[str, Any]) -> Told:
    """Return what the answer of `LOOK` says; a row that lacks what is needed is left out."""
    files: dict[int | None, list[tuple[str, int | None]]] = {}
    for row in many(answer.get("files")):
        files.setdefault(number(row.get("media")), []).append(
            (word(row.get("path")), number(row.get("device")))
        )
    found = []
    for row in many(answer.get("sets")):
        start, position = moment(row.get("start")), number(row.get("position"))
        lsns = _lsn(row.get("first")), _lsn(row.get("last"))
        if start is None or position is None or None in lsns:
            continue
        media = files.get(number(row.get("media")), [])
        found.append(
            SqlBackup(
                uuid=word(row.get("uuid")).lower(), type=word(row.get("type")), position=position,
                start=start,
                first=lsns[0] or 0, last=lsns[1] or 0, base=word(row.get("base")).lower(),
                bytes=number(row.get("bytes")), sums=flag(row.get("sums")) is True,
                damaged=flag(row.get("damaged")) is not False,
                snapshot=flag(row.get("snapshot")) is not False,
                incomplete=flag(row.get("incomplete")) is not False, files=tuple(path for path, _ in media),
                on_disk=bool(media) and all(device in (2, 102) and path for path, device in media),
            )
        )  # fmt: skip
    return Told(
        state=word(answer.get("state")), model=word(answer.get("model")),
        backups=tuple(sorted(found, key=lambda one: (one.start, one.last))),
    )  # fmt: skip


def _lsn(value: Any) -> int | None:
    text = word(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 25 else None


def chain(backups: tuple[SqlBackup, ...]) -> tuple[list[SqlBackup], int]:
    """Return the backups that a restore to the latest point needs, and how many logs a gap makes useless.

    A full backup, its newest differential, then the logs that follow without a gap. Snapshots by other
    programs (`is_snapshot`) cannot be restored by the server itself and are left out.
    """
    fulls = [one for one in backups if one.type == "D" and not one.snapshot]
    if not fulls:
        return [], 0
    full = fulls[-1]
    needed = [full]
    needed += [one for one in backups if one.type == "I" and one.base == full.uuid and not one.snapshot][-1:]
    reached = needed[-1].last
    logs = sorted(
        (one for one in backups if one.type == "L" and one.last > reached), key=lambda one: one.first
    )
    for log in logs:
        if log.first <= reached < log.last:
            needed.append(log)
            reached = log.last
    return needed, sum(log.last > reached for log in logs)


def verified(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the results of `VERIFY` by the backup set's UUID."""
    return {word(row.get("uuid")).lower(): row for row in many(answer.get("results"))}


def checkdb(answer: dict[str, Any]) -> list[str] | None:
    """Return what DBCC CHECKDB complained of; None if it is not told."""
    return texts(answer["checkdb"]) if "checkdb" in answer else None
