"""What Proxmox VE (`pvesh`) and Proxmox Backup Server (its client) list. Never run on real ones."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from checks.dataclass import dataclass
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Program, Script

PVESH = Program("pvesh", reads={"get"})

CLIENT = Script(
    "proxmox-backup-client",
    """
command -v proxmox-backup-client >/dev/null || exit 127
if [ -n "$4" ]; then PBS_PASSWORD_FILE=$4; export PBS_PASSWORD_FILE
else PBS_PASSWORD_FD=0; export PBS_PASSWORD_FD; fi
[ -z "$3" ] || { PBS_FINGERPRINT=$3; export PBS_FINGERPRINT; }
set -- "$1" "$2" "$5"
if [ -n "$3" ]; then
  exec proxmox-backup-client snapshot list "$2" --repository "$1" --ns "$3" --output-format json
fi
exec proxmox-backup-client snapshot list "$2" --repository "$1" --output-format json
""",
)
"""repository, group, fingerprint, password file, namespace. The password comes by stdin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One backup of a guest. `verified` is empty where it never was."""

    id: str
    at: datetime
    size: int | None
    """None where it was not made to its end."""
    verified: str
    verified_at: datetime | None
    encrypted: bool
    chunks: bool
    """Whether it lies in a Proxmox Backup Server, which can verify it."""


def listed(output: bytes, what: str) -> list[dict[str, Any]]:
    """Return the objects of a JSON list; CannotTell for anything else."""
    try:
        found = json.loads(output)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        said = safe(output.decode(errors="replace"), limit=120)
        raise CannotTell(
            f"{what} did not answer with a JSON list, but with: {said or 'nothing'}",
            "Run it by hand as the same account; it must print JSON (--output-format json) and nothing else.",
        )
    return found


def from_node(rows: list[dict[str, Any]], guest: int) -> list[Snapshot]:
    """Return the backups of a guest that a node lists, the oldest first.

    The node says size 1 of a backup in a Proxmox Backup Server that was not made to its end.
    """
    found = []
    for row in rows:
        at = _epoch(row.get("ctime"))
        if row.get("content", "backup") != "backup" or _whole(row.get("vmid")) != guest or at is None:
            continue
        size = _whole(row.get("size"))
        verified, when = _verification(row)
        found.append(
            Snapshot(
                id=str(row.get("volid", "")), at=at, size=size if size is not None and size > 1 else None,
                verified=verified, verified_at=when, encrypted=bool(row.get("encrypted")),
                chunks=str(row.get("format", "")).startswith("pbs-"),
            )
        )  # fmt: skip
    return sorted(found, key=lambda snapshot: snapshot.at)


def from_server(rows: list[dict[str, Any]]) -> list[Snapshot]:
    """Return the snapshots that a backup client lists, the oldest first; unfinished ones have no manifest."""
    found = []
    for row in rows:
        at = _epoch(row.get("backup-time"))
        kind, name = row.get("backup-type"), row.get("backup-id")
        if at is None or not isinstance(kind, str) or not isinstance(name, str):
            continue
        files = row.get("files")
        names = [
            file.get("filename") if isinstance(file, dict) else file
            for file in (files if isinstance(files, list) else [])
        ]
        whole = "index.json.blob" in names and len(names) > 1
        verified, when = _verification(row)
        size = _whole(row.get("size"))
        found.append(
            Snapshot(
                id=f"{kind}/{name}/{at:%Y-%m-%dT%H:%M:%SZ}", at=at,
                size=size if whole and size is not None and size > 1 else None, verified=verified,
                verified_at=when, encrypted=bool(row.get("fingerprint")), chunks=True,
            )
        )  # fmt: skip
    return sorted(found, key=lambda snapshot: snapshot.at)


def _verification(row: dict[str, Any]) -> tuple[str, datetime | None]:
    found = row.get("verification")
    if not isinstance(found, dict) or not isinstance(found.get("state"), str):
        return "", None
    task = found.get("upid")
    parts = task.split(":") if isinstance(task, str) else []
    began = None
    if len(parts) > 5 and parts[0] == "UPID":
        stamps = [part for part in parts[3:7] if re.fullmatch(r"[0-9A-Fa-f]{8}", part)]
        began = _epoch(int(stamps[-1], 16)) if stamps else None
    return found["state"].lower(), began


def _epoch(value: Any) -> datetime | None:
    number = _whole(value)
    try:
        return datetime.fromtimestamp(number, UTC) if number else None
    except (ValueError, OverflowError, OSError):
        return None


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value, re.ASCII) else None
