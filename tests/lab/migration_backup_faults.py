"""What goes wrong with the backups of a server migration, as in `migration_faults`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from tests.lab import backup_restic
from tests.lab.backup_files import flip
from tests.lab.migration import Host, Migration
from tests.lab.migration_faults import Row, rewritten


@contextmanager
def instead(lab: Migration, role: str, repo: str, make: Callable[[Host], object]) -> Iterator[None]:
    """In a repository's place is one that `make` makes out of an empty one."""
    host: Host = getattr(lab, role)
    place = host.srv / repo
    aside = place.rename(host.srv / f"{repo}-aside")
    shutil.copytree(lab.folder / "restic", place)
    try:
        make(host)
        backup_restic.readable(place)
        yield
    finally:
        shutil.rmtree(place)
        aside.rename(place)


def stale(role: str, repo: str, hours: float) -> Callable[[Migration], object]:
    """The newest backup is so many hours old."""
    return lambda lab: instead(lab, role, repo, lambda host: lab.restic(host, repo, age_h=hours))


def _without_canary(host: Host) -> None:
    host.ssh.run(
        "restic", "--no-cache", "-r", "/srv/backup", "--password-file", "/srv/password", "backup",
        "--exclude", "canary.txt", "/srv/files",
    )  # fmt: skip


def _one_folder(host: Host) -> None:
    host.ssh.run(
        "restic", "--no-cache", "-r", "/srv/rollback", "--password-file", "/srv/password", "backup",
        "/srv/files/homes",
    )  # fmt: skip


def _damaged(lab: Migration, host: Host) -> None:
    lab.restic(host, "backup", age_h=0.0)
    for pack in backup_restic.packs(host.srv / "backup"):
        flip(pack)


def _of_other_bytes(lab: Migration, host: Host) -> None:
    """What the backup reads is not what the files hold; these are not touched."""
    other = lab.folder / "other-bytes"
    subprocess.run(["cp", "-a", "--", host.files, other], check=True)
    host.ssh.bind(other, "/srv/files")
    try:
        with rewritten(*_reports(other)):
            lab.restic(host, "backup", age_h=0.0)
    finally:
        host.ssh.run("umount", "/srv/files")
        shutil.rmtree(other)


def _reports(files: Path) -> list[Path]:
    folder = files / "projects" / "2024"
    return [path for path in sorted(folder.iterdir()) if path.name != "report-01.txt"]


@contextmanager
def rotten(lab: Migration) -> Iterator[None]:
    """Files have other bytes than those that were backed up, on both servers, with the same size and time."""
    with ExitStack() as stack:
        for host in (lab.old, lab.new):
            stack.enter_context(rewritten(*_reports(host.files)))
        yield


@contextmanager
def no_password(lab: Migration) -> Iterator[None]:
    """The old server's password file is gone."""
    path: Path = lab.old.srv / "password"
    aside = path.rename(lab.old.srv / "password-aside")
    try:
        yield
    finally:
        aside.rename(path)


BOTH = "last-backup-files"
ROWS = [
    Row("backup older than the RPO", stale("old", "backup", 40), "backup-files",
        r"age is beyond its limit", stops="proven", also=BOTH),
    Row("repository empty", lambda lab: instead(lab, "old", "backup", lambda _: None), "backup-files",
        r"(?i)no (snapshot|backup)", stops="proven", also=BOTH),
    Row("pack damaged",
        lambda lab: instead(lab, "old", "backup", partial(_damaged, lab)), "backup-files",
        r"restic check: .*error for tree", stops="proven", also=BOTH),
    Row("planted file left out", lambda lab: instead(lab, "old", "backup", _without_canary), "backup-files",
        r"canary", stops="proven", also=BOTH),
    Row("live files are not those of the backup",
        lambda lab: instead(lab, "old", "backup", partial(_of_other_bytes, lab)), "backup-files",
        r"files did not come back as they were", stops="proven", also=BOTH),
    Row("live files rewritten since, size and time kept", rotten, "backup-files",
        r"other than the live ones are, which were touched since", status="inconclusive", stops="proven",
        also=f"{BOTH}|new-backup-files"),
    Row("password file gone", no_password, "backup-files", r"(?i)password", status="inconclusive",
        stops="proven", also=f"{BOTH}|rollback-files"),
    Row("rollback point older than the freeze", stale("old", "rollback", 3), "rollback-files",
        r"older than the freeze", stops="freeze"),
    Row("rollback point of one folder", lambda lab: instead(lab, "old", "rollback", _one_folder),
        "rollback-files", r"with the path /srv/files", stops="freeze"),
    Row("new server not backed up since", stale("new", "backup", 40), "new-backup-files",
        r"age is beyond its limit", stops="verified"),
    Row("last backup older than the freeze", stale("old", "backup", 3), "last-backup-files",
        r"older than the freeze", stops="decommission"),
]  # fmt: skip
