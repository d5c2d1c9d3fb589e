"""The old and the new file server of the practice office: stand-ins whose disks are in memory only."""

from __future__ import annotations

import random
import time
from dataclasses import replace

from agent.demo.ssh_copies import Copies
from agent.demo.ssh_disk import UID, Disk, File
from agent.demo.ssh_line import Answer, Answers, Call, Said
from agent.demo.ssh_restic import Repository
from agent.demo.ssh_tree import tell

USER = "tech"
SYSTEM = "Practice file server (a stand-in)"
SHARE, MIRROR, STAMP = "/srv/files", "/backup/files", "/backup/files.last-run"
REPOSITORY, PASSWORD_FILE = "/backup/restic", "/etc/restic/password"
_PASSWORD = "practice"  # noqa: S105 - of a repository that is nowhere
CHANGED = "accounts/open-invoices.csv"
HOUR, DAY = 3600, 86400
_FOLDERS = {
    "accounts": ("open-invoices.csv", "suppliers.csv", "ledger-2025.csv", "ledger-2026.csv", "salaries.csv"),
    "contracts": ("lease-old-office.txt", "lease-new-office.txt", "insurance.txt", "telephones.txt"),
    "projects/harbour": ("offer.txt", "plan.txt", "minutes-01.txt", "minutes-02.txt", "photos.txt"),
    "projects/station": ("offer.txt", "plan.txt", "minutes-01.txt", "costs.csv"),
    "staff": ("holidays.csv", "desks.csv", "keys.csv", "telephone-list.txt"),
    "templates": ("letter.txt", "invoice.txt", "fax.txt"),
}
_WORDS = ("office", "lease", "harbour", "invoice", "desk", "station", "order", "meeting", "paid", "open")
_MACHINES = {"files-old": "0f" * 16, "files-new": "1e" * 16}


def old_server(now: int, *, changed: bool, overdue: bool) -> Answers:
    """Return what the old file server answers: its share, and a restic repository with a week of backups.

    `now` is when it begins to serve, in seconds since 1970. `changed`: somebody worked on a file after it was
    copied. `overdue`: the last three nights have no backup.
    """
    files = _share(now, ctime=0)
    before = {f"{SHARE}/{name}": file for name, file in files.items()}
    if changed:
        file = files[CHANGED]
        data = file.data + b"Meridian & Sons;2026-118;4,310.00;open\n"
        files[CHANGED] = replace(file, data=data, mtime=now - 40 * 60, ctime=now - 40 * 60)
    disk = _disk("files-old", {f"{SHARE}/{name}": file for name, file in files.items()}, now)
    repository = Repository(disk, REPOSITORY, _PASSWORD)
    for day in range(7, 2 if overdue else -1, -1):
        repository.back_up("files-old", SHARE, before, now - day * DAY - HOUR)
    return {**_host("files-old", disk), **repository.answers()}


def new_server(now: int) -> Answers:
    """Return what the new file server answers: the copied share, and its mirror of an hour ago."""
    files = _share(now, ctime=now - 5 * HOUR)
    disk = _disk("files-new", {f"{SHARE}/{name}": file for name, file in files.items()}, now)
    disk.files |= {f"{MIRROR}/{name}": replace(file, ctime=now - HOUR) for name, file in files.items()}
    began = now - HOUR
    disk.files[STAMP] = File(data=b"%d\n" % began, mtime=began, ctime=began)
    return {**_host("files-new", disk), **Copies(disk).answers()}


def _share(now: int, *, ctime: int) -> dict[str, File]:
    """Return the files of the share, the same for the same time."""
    found: dict[str, File] = {}
    today = now - now % DAY
    for folder, names in _FOLDERS.items():
        for name in names:
            chance = random.Random(f"{folder}/{name}")
            lines = [" ".join(chance.choices(_WORDS, k=8)) for _ in range(chance.randint(8, 60))]
            mtime = today - chance.randint(10 * DAY, 400 * DAY)
            data = "".join(f"{line}\n" for line in lines).encode()
            found[f"{folder}/{name}"] = File(data=data, mtime=mtime, ctime=ctime or mtime)
    return found


def _disk(name: str, files: dict[str, File], now: int) -> Disk:
    password = File(data=f"{_PASSWORD}\n".encode(), mtime=now - 400 * DAY, ctime=now - 400 * DAY, mode="400")
    return Disk(_MACHINES[name], files | {PASSWORD_FILE: password})


def _host(name: str, disk: Disk) -> dict[str, Answer]:
    began = time.monotonic()

    def facts(_: Call) -> Said:
        rows = (f"{time.time():.9f}", "Practice", name, UID, USER, "k", 0, 0, 0, "end without")
        return Said(out="".join(f"{row}\n" for row in rows).encode())

    def system(_: Call) -> Said:
        up = time.monotonic() - began
        rows = ("kernel Practice 1", f"name {SYSTEM}", f"uptime {up:.2f} 0", f"now {time.time():.0f}", "end")
        return Said(out="".join(f"{row}\n" for row in rows).encode())

    def clock(_: Call) -> Said:
        return Said(out=f"{time.time():.9f}\n".encode())

    return {
        "facts": facts,
        "system": system,
        "clock": clock,
        "file-tree": lambda call: tell(disk, call),
        **disk.answers(),
    }
