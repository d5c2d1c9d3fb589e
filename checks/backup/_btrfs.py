"""Btrfs: what `btrfs subvolume show`, `list` and `scrub status` say, and the reading of a whole snapshot."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from checks.dataclass import dataclass
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script

LOCAL = Script(
    "btrfs",
    """
command -v btrfs >/dev/null || exit 127
btrfs subvolume show -- "$1" || exit 3
printf '\\0'
btrfs subvolume list -s -u -q -R -- "$1" || exit 4
printf '\\0'
btrfs scrub status -R -- "$1" || printf 'unknown\\n'
printf '\\0'
btrfs --format json device stats -- "$1" || printf '{}'
printf '\\0'
findmnt -J -t btrfs -o TARGET,FSROOT,UUID,OPTIONS || printf '{}'
printf '\\0'
btrfs subvolume list -o -q -- "$1" || exit 4
printf '\\0end'
""",
)
"""The live subvolume, every snapshot of its file system, last scrub, errors, mounts, what is nested in it."""

RECEIVED = Script(
    "btrfs",
    """
command -v btrfs >/dev/null || exit 127
cd -- "$1" || exit 3
n=0
for name in * .[!.]*; do
  [ -d "$name" ] && [ ! -L "$name" ] || continue
  n=$((n + 1)); [ "$n" -le 2000 ] || exit 5
  said=$(btrfs subvolume show -- "./$name" 2>/dev/null) || continue
  printf '%s\\0%s\\0' "$name" "$said"
done
printf '\\0'
btrfs scrub status -R -- . || printf 'unknown\\n'
printf '\\0'
btrfs --format json device stats -- . || printf '{}'
printf '\\0'
unset TZ; date +%z
printf '\\0end'
""",
)
"""Every subvolume of a directory into which snapshots are received."""

SHOW = Script("btrfs", 'btrfs subvolume show -u "$2" -- "$1"')
"""One subvolume by its UUID, also where it is not mounted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subvolume:
    """One subvolume as far as it is known."""

    path: str
    """From the top of the file system, or its name in the directory."""
    uuid: str
    parent: str
    received: str
    """UUID of the subvolume that was sent; empty if it was never received to its end."""
    at: datetime
    readonly: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrub:
    """The last scrub: what it found, and whether it came to its end."""

    at: datetime | None
    """When it began; None if there was none that is known of."""
    finished: bool
    errors: int
    """What could not be mended."""
    mended: int
    bare: int
    """Data without checksums."""


_LISTED = re.compile(
    r"ID (\d+) gen \d+ cgen \d+ top level \d+ otime (\S+ \S+) parent_uuid +(\S+) +received_uuid +(\S+) +"
    r"uuid (\S+) path (.+)"
)
_NESTED = re.compile(r"ID \d+ gen \d+ top level \d+ parent_uuid +(\S+) +path (.+)")
_KEY = re.compile(r"\t([A-Z][A-Za-z() ]*):[ \t]*(.*)")


def parts(output: bytes, count: int) -> list[str]:
    """Return the parts of a script's output; raise CannotTell if it is not whole."""
    found = output.decode("utf-8", "surrogateescape").split("\0")
    if len(found) != count + 1 or found[-1] != "end":
        raise CannotTell(
            "What the host said of its btrfs file system is not whole.",
            "Run 'btrfs subvolume list' and 'btrfs subvolume show' there by hand.",
        )
    return found[:-1]


def shown(text: str) -> Subvolume:
    """Return what `btrfs subvolume show` says; CannotTell where it is not clear."""
    lines = text.splitlines()
    found: dict[str, str] = {}
    for line in lines[1:]:
        key = _KEY.fullmatch(line)
        if not key:
            continue
        if key[1] in found:
            raise CannotTell(
                "A subvolume's name has line breaks in it, so that what is said of it cannot be read.",
                "Give it another name.",
            )
        found[key[1]] = key[2].strip()
        if key[1] == "Snapshot(s)":
            break
    at = moment(found.get("Creation time", ""))
    if at is None or "UUID" not in found or "Flags" not in found:
        raise CannotTell(
            "'btrfs subvolume show' says no UUID, flags or creation time.", "Look at the subvolume by hand."
        )
    return Subvolume(
        path=lines[0] if lines else "", uuid=found["UUID"], parent=_none(found.get("Parent UUID", "-")),
        received=_none(found.get("Received UUID", "-")), at=at, readonly="readonly" in found["Flags"].split(),
    )  # fmt: skip


def listed(text: str) -> list[Subvolume]:
    """Return what `btrfs subvolume list -s -u -q -R` says; whether each is read-only is not in it."""
    found = []
    for line in text.split("\n"):
        row = _LISTED.fullmatch(line)
        at = moment(f"{row[2]} +0000") if row else None
        if row and at:
            found.append(
                Subvolume(path=row[6], uuid=row[5], parent=_none(row[3]), received=_none(row[4]), at=at)
            )
    return found


def nested(text: str, own: Subvolume) -> list[str]:
    """Return the subvolumes in a live one that no snapshot of it holds, by their paths below it.

    Snapshots of it that lie in it, and the folder `.snapshots` of snapper, hold nothing of their own.
    """
    found = []
    for line in text.split("\n"):
        row = _NESTED.fullmatch(line)
        if row and row[1] != own.uuid and row[2].rpartition("/")[2] != ".snapshots":
            found.append(row[2].removeprefix(f"{own.path}/"))
    return found


def moment(text: str) -> datetime | None:
    """Return `2026-11-23 08:43:23 +0000` as a time."""
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def scrub(text: str) -> Scrub:
    """Return what `btrfs scrub status -R` says under TZ=UTC."""
    begun = re.search(r"^Scrub started:\s+(\S.*)$", text, re.MULTILINE)
    status = re.search(r"^Status:\s+(\w+)", text, re.MULTILINE)
    counts = {
        key: int(number) for key, number in re.findall(r"^\s*([a-z_]+): (\d{1,18})$", text, re.MULTILINE)
    }
    at = None
    if begun:
        try:
            at = datetime.strptime(begun[1].strip(), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        except ValueError:
            at = None
    whole = {"uncorrectable_errors", "csum_errors", "corrected_errors", "no_csum", "read_errors"} <= set(
        counts
    )
    errors = max(
        counts.get("uncorrectable_errors", 0),
        counts.get("csum_errors", 0) + counts.get("read_errors", 0) + counts.get("verify_errors", 0)
        - counts.get("corrected_errors", 0),
    )  # fmt: skip
    return Scrub(
        at=at, finished=whole and status is not None and status[1] == "finished", errors=max(errors, 0),
        mended=counts.get("corrected_errors", 0), bare=counts.get("no_csum", 0),
    )  # fmt: skip


def device_errors(text: str) -> list[str]:
    """Return the error counters of the devices that are not zero, as `KIND on DEVICE: N`."""
    found = []
    for device in _rows(text, "device-stats"):
        for key, value in device.items():
            if str(key).endswith("_errs") and str(value).isdigit() and int(value) > 0:
                found.append(f"{key} on {device.get('device', '?')}: {value}")
    return found


def mounted_at(text: str, uuid_path: str, near: str) -> str | None:
    """Return where the subvolume `uuid_path` (from the top) can be read, by the mounts of `findmnt`.

    Only mounts of the file system that holds the path `near` count.
    """
    rows = [row for row in _flat(_rows(text, "filesystems")) if isinstance(row.get("target"), str)]
    own = [row for row in rows if near == row["target"] or near.startswith(row["target"].rstrip("/") + "/")]
    if not own:
        return None
    uuid = max(own, key=lambda row: len(row["target"])).get("uuid")
    wanted = "/" + uuid_path
    for row in rows:
        root = row.get("fsroot")
        if row.get("uuid") != uuid or not isinstance(root, str):
            continue
        base = root.rstrip("/")
        if wanted == base or wanted.startswith(base + "/"):
            return row["target"].rstrip("/") + wanted[len(base) :] or "/"
    return None


def without_sums(text: str) -> bool:
    """Return whether a btrfs file system is mounted so that new data gets no checksums."""
    options = [str(row.get("options", "")) for row in _flat(_rows(text, "filesystems"))]
    return any({"nodatasum", "nodatacow"} & set(option.split(",")) for option in options)


def _flat(rows: list[dict[str, Any]], depth: int = 0) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        found.append(row)
        children = row.get("children")
        if isinstance(children, list) and depth < 50:
            found += _flat([child for child in children if isinstance(child, dict)], depth + 1)
    return found


def _rows(text: str, key: str) -> list[dict[str, Any]]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return []
    rows = data.get(key) if isinstance(data, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _none(text: str) -> str:
    return "" if text == "-" else text
